"""Times of day and durations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import (
    Piece,
    Rule,
    clause_before,
    listed,
    rule,
    stop,
    word_after,
    word_before,
)
from antiphon.text.rules.number_words import cardinal, number, pair

_ZONE = r"(?P<zone>Z(?!\w)|(?<=[mM.\d]) ?(?i:[ecmp]\.?(?:[sd]\.?)?t|gmt|utc)\b)?"
_TO = r"(?P<until> ?[–-] ?(?=\d{1,2}(?:[:.h]\d\d|h| ?[AaPp]\.?[Mm])|noon|midnight))?"
_HALF = (
    r"(?: ?([AaPp])(?:\. ?[Mm]\.?|[Mm]\.?(?=[ ,])|[Mm]|(?<=:\d\d[ap]))"
    r"(?=[^A-Za-z]|$|[ecmp]\.?s\.?t\b))"
)
_RATIOS = re.compile(
    r"\b(?:ratio|scale|odds|dilut\w*|mix\w*|proportions?|aspect|score[ds]?|won|win|wins|lost|lose|"
    r"lead|leads|led|beat|beats|tied|vote[ds]?|concentration|gear|slope)\b"
)
_RATIO_NOUNS = (
    r" (?:ratio|scale|odds|mix|dilution|aspect|split|vote|slope|screen|display|monitor|tv|video|"
    r"gear|win|lead|loss|victory|draw|tie)\b"
)


@rule(
    rf"(?<![\w:.+/])(?<!\d,)(?P<hour>[01]?\d|2[0-4])(?:(?P<sign>[:.h])(?P<minute>[0-5]\d))"
    rf"(?::(?P<second>[0-5]\d)(?:\.\d+)?)?{_HALF}?{_ZONE}"
    r"(?(second)(?P<offset>[+-]\d\d:?\d\d)?)(?: ?h\b)?(?![:\d]|\.\d|[A-Za-z])"
    rf"(?P<ratio>(?i:(?={_RATIO_NOUNS})))?{_TO}"
)
def _clock(match: re.Match[str]) -> Sequence[Piece] | None:
    hour, minute, half = match["hour"], match["minute"], match[5]
    if match["sign"] == "." and not half:
        return None
    if not half and not match["second"] and _is_ratio(match):
        return None
    pieces = [(cardinal(str(int(hour))), match.start("hour"))]
    if match["second"] and not match["zone"] and _lasts(match):
        parts = [part for part in ("hour", "minute", "second") if int(match[part])]
        return [
            (f"{cardinal(count)} {_how_many(count, part[0])}", match.start(part))
            for part in parts
            for count in [str(int(match[part]))]
        ]
    if minute != "00":
        pieces.append((pair(minute), match.start("minute")))
    elif not half and not match["second"]:
        word = "o'clock" if 1 <= int(hour) <= 12 else "hundred"
        pieces.append((word, match.start("minute")))
    if match["second"] and (match["second"] != "00" or not match["zone"]):
        word = "second" if int(match["second"]) == 1 else "seconds"
        said = f"and {cardinal(str(int(match['second'])))} {word}"
        pieces.append((said, match.start("second")))
    if match["offset"]:
        hours, minutes = match["offset"][1:3], match["offset"][-2:]
        sign = "plus" if match["offset"][0] == "+" else "minus"
        said = cardinal(str(int(hours))) + (f" {cardinal(minutes)}" if minutes != "00" else "")
        return [*pieces, (f"U T C {sign} {said}", match.start("offset"))]
    return [*pieces, *_half(match, 5), *_zone(match), *_until(match)]


def _lasts(match: re.Match[str]) -> bool:
    """Whether hours, minutes and seconds are a duration, not a time of day."""
    if match["minute"] == "00" and match["second"] != "00":
        return True
    if word_before(match).lower() in ("at", "by", "until", "from", "since"):
        return False
    return bool(_TIMED.search(clause_before(match)) or word_after(match) in ("long", *_SPANS))


def _is_ratio(match: re.Match[str]) -> bool:
    if match["ratio"] is not None:
        return True
    before = clause_before(match)
    told = re.search(r"\b(?:times? (?:is|was)|at|by|until|till|before|after|around) $", before)
    return not told and bool(_RATIOS.search(before))


@rule(rf"(?<![\w.,:$])(1[0-2]|0?[1-9]){_HALF}{_ZONE}(?![A-Za-z\d]){_TO}")
def _hour(match: re.Match[str]) -> Sequence[Piece]:
    said = [(cardinal(str(int(match[1]))), match.start(1)), *_half(match, 2)]
    return [*said, *_zone(match), *_until(match)]


@rule(rf"(?<![\w.,:$-])(1[0-2]|0?[1-9]) ?[–-] ?(?=(?:1[0-2]|0?[1-9])(?::[0-5]\d)?{_HALF})")
def _from_hour(match: re.Match[str]) -> Sequence[Piece]:
    """The first hour of 2-3pm."""
    return [(cardinal(str(int(match[1]))), match.start()), ("to", match.end(1))]


@rule(r"\b(UTC|GMT) ?([+-])(\d{1,2})(?::?(\d\d))?(?!\d)")
def _offset(match: re.Match[str]) -> Sequence[Piece]:
    said = [
        (" ".join(match[1]), match.start()),
        ("plus" if match[2] == "+" else "minus", match.start(2)),
        (cardinal(str(int(match[3]))), match.start(3)),
    ]
    return [*said, (cardinal(match[4]), match.start(4))] if int(match[4] or 0) else said


@rule(r"\b(noon|midnight) ?[–-] ?(?=\d)")
def _from_noon(match: re.Match[str]) -> Sequence[Piece]:
    return [(match[1], match.start()), ("to", match.end(1))]


def _until(match: re.Match[str]) -> list[Piece]:
    return [("to", match.start("until"))] if match["until"] else []


def _zone(match: re.Match[str]) -> list[Piece]:
    zone, at = match["zone"], match.start("zone")
    if not zone:
        return []
    if zone == "Z":
        return [("U T C", at)]
    return [(" ".join(re.findall("[A-Z]", zone.upper())), at)]


def _half(match: re.Match[str], group: int) -> list[Piece]:
    if not match[group]:
        return []
    pieces = [(match[group].upper(), match.start(group)), ("M", match.end(group))]
    if match["zone"] or match["until"]:
        return pieces
    return [*pieces, *stop(match)]


_DURATIONS = {"y": "year", "w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}
"""From long to short, by their first letter."""
_PARTS = "".join(
    rf"(?:(\d{{1,4}}(?:\.\d{{1,3}})?) ?({unit})(?![a-z])(?:,? ?(?=\d))?)?"
    for unit in ("y(?:rs?)?", "w(?:ks?)?", "d", "h(?:rs?)?", "m(?:ins?)?", "s(?:ecs?)?")
)


@rule(rf"(?<![\w.,$])(?=\d){_PARTS}(?![\w'])")
def _duration(match: re.Match[str]) -> Sequence[Piece] | None:
    """2h 30m, 3m12s."""
    counts = [group for group in range(1, 12, 2) if match[group]]
    if len(counts) < 2:
        return None
    return [
        (said, match.start(at))
        for group in counts
        for at, said in (
            (group, number(match[group])),
            (group + 1, _how_many(match[group], match[group + 1][0])),
        )
    ]


def _how_many(count: str, letter: str) -> str:
    return _DURATIONS[letter] + ("" if count == "1" else "s")


_TIMED = re.compile(
    r"\b(?:timers?|alarms?|snooz\w*|wait\w*|remind\w*|paus\w*|boil\w*|bak\w*|cook\w*|simmer\w*|"
    r"rest|sleep|nap|countdown|stopwatch|meeting|break|call|video|song|elapsed|remaining|took|"
    r"takes?|lasts?|lasted|duration|every|within|delay\w*)\b"
)
_FAR = re.compile(
    r"\b(?:runs?|ran|walk\w*|swim\w*|swam|driv\w*|drove|mov\w*|go|goes|went|forwards?|backwards?|"
    r"back|turn|long|tall|high|deep|wide|away|distance|from|sprint\w*|rac\w*|fell|falls?|dive|"
    r"rope|sail|climb\w*|jump\w*|far|height|depth|length|width|above|below|ahead|straight)\b"
)
_SPANS = frozenset(
    listed(
        "left ago later early late remaining elapsed timer countdown break nap call meeting video "
        "delay timeout pause alarm"
    )
)
_LASTING = frozenset(
    listed(
        "for in after within wait every last lasts lasted took takes take about than least only "
        "next runs ran another exactly"
    )
)


@rule(r"(?<![\w.,$])(\d{1,3}(?:\.\d)?) ?(m)(?![\w'²³/^-])(?! ?[x×])")
def _minutes(match: re.Match[str]) -> Sequence[Piece] | None:
    """5m where a time is spoken of, not a distance."""
    before, after = clause_before(match), word_after(match).lower()
    timed = _TIMED.search(before) or word_before(match).lower() in ("for", "in")
    far = (
        _FAR.search(before)
        or after in ("turn", "take", "keep", "from", "of", "on", "at")
        or _FAR.match(after)
    )
    if after not in _SPANS and (far or not timed):
        return None
    return [(number(match[1]), match.start()), (_how_many(match[1], "m"), match.start(2))]


@rule(r"(?<![\w.,'$–-])(\d{1,3})(s)(?![\w'])")
def _seconds(match: re.Match[str]) -> Sequence[Piece] | None:
    """90s where it is no decade."""
    lasting = word_before(match).lower() in _LASTING or word_after(match).lower() in _SPANS
    decade = word_before(match).lower() in ("the", "late", "early", "mid", "his", "her", "their")
    if (match[1][-1] == "0" and not lasting) or decade or word_after(match) == "of":
        return None
    return [(cardinal(match[1]), match.start()), (_how_many(match[1], "s"), match.start(2))]


DURATIONS: tuple[Rule, ...] = (_duration, _minutes, _seconds)
"""Before dates: 90s may be seconds or a decade."""
RULES: tuple[Rule, ...] = (_offset, _from_hour, _from_noon, _clock, _hour)
