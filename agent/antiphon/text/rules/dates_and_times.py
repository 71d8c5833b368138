"""Dates, times of day, decades."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, listed, rule, stop
from antiphon.text.rules.number_words import cardinal, ordinal, pair, plural, year

MONTHS = listed(
    "January February March April May June July August September October November December"
)
_SHORT = {m[:3]: m for m in MONTHS} | {"Sept": "September"} | {m: m for m in MONTHS}
_MONTH = "|".join(sorted(_SHORT, key=len, reverse=True))
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:1\d{3}|20\d{2})"
_NO_MORE = r"(?![\w%°]|[.,/:-]\d)"


def _date(month: Piece, day: Piece, years: Piece | None) -> Sequence[Piece]:
    pieces = [month, (ordinal(day[0]) + ("," if years else ""), day[1])]
    return [*pieces, (year(years[0]), years[1])] if years else pieces


def _group(match: re.Match[str], name: str | int) -> Piece:
    return match[name], match.start(name)


@rule(rf"(?<![\w./-])({_YEAR})[-/](0?[1-9]|1[0-2])[-/]({_DAY})(?:T(?=\d))?(?![\w/-]*\w[/-]|\d)")
def _iso(match: re.Match[str]) -> Sequence[Piece]:
    at = match.start()  # the year comes first, so all of it sounds from there
    return _date((MONTHS[int(match[2]) - 1], at), (match[3], at), (match[1], at))


@rule(rf"(?<![\w./-])(\d{{1,2}})([/.-])(\d{{1,2}})\2({_YEAR}|\d{{2}})(?![\w/-]|\.\d)")
def _numeric(match: re.Match[str]) -> Sequence[Piece] | None:
    first, second = int(match[1]), int(match[3])
    day_first = first > 12 or match[2] == "."
    month, day = (second, match[1]) if day_first else (first, match[3])
    if not (1 <= month <= 12 and 1 <= int(day) <= 31):
        return None
    written = match[4] if len(match[4]) == 4 else ("20" if int(match[4]) < 50 else "19") + match[4]
    at = match.start()
    return _date((MONTHS[month - 1], at), (day, match.start(3)), (written, match.start(4)))


@rule(
    rf"\b({_MONTH})\.? ({_DAY})(?:st|nd|rd|th)?(?:(?:,? ?)({_YEAR}))?(?![\w%°]|[.,/:]\d|,\d)"
    rf"(?:[–-]({_DAY})(?:st|nd|rd|th)?(?:, ?({_YEAR}))?{_NO_MORE})?"
)
def _month_day(match: re.Match[str]) -> Sequence[Piece] | None:
    if match[1] in MONTHS and match.string[match.end(1)] == ".":
        return None  # a sentence ends with the month
    month = (_SHORT[match[1]], match.start())
    if match[4]:
        last = (f"to {ordinal(match[4])}", match.start(4))
        first = _date(month, _group(match, 2), None)
        return [*first, last, *([(", " + year(match[5]), match.start(5))] if match[5] else [])]
    return _date(month, _group(match, 2), _group(match, 3) if match[3] else None)


@rule(
    rf"(?<![\w.,/:-])((?:the )?)({_DAY})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b\.?"
    rf"(?:,? ({_YEAR}){_NO_MORE})?"
)
def _day_month(match: re.Match[str]) -> Sequence[Piece]:
    day = [("the", match.start()), (ordinal(match[2]), match.start(2))]
    month = (_SHORT[match[3]] + ("," if match[4] else ""), match.start(3))
    full = match[0].endswith(".") and match[3] in MONTHS
    over = [(".", match.end() - 1)] if full else stop(match)
    return [*day, ("of", match.start(3)), month, *_years(match, 4), *over]


def _years(match: re.Match[str], group: int) -> list[Piece]:
    return [(year(match[group]), match.start(group))] if match[group] else []


@rule(rf"\b({_MONTH})\.?,? ({_YEAR}){_NO_MORE}")
def _month_year(match: re.Match[str]) -> Sequence[Piece] | None:
    if match[1] in MONTHS and match.string[match.end(1)] == ".":
        return None
    return [(_SHORT[match[1]], match.start()), *_years(match, 2)]


@rule(rf"\b({_MONTH})\.(?=,|\s+[a-z])|\b(Jan|Feb|Aug|Sept|Oct|Nov|Dec)\.(?=\s)")
def _month_alone(match: re.Match[str]) -> Sequence[Piece] | None:
    written = match[1] or match[2]
    return None if written in MONTHS else [(_SHORT[written], match.start())]


_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip


@rule(rf"\b({'|'.join(_DAYS)})\.(?=,| \d| (?:{_MONTH})\b)")
def _weekday(match: re.Match[str]) -> Sequence[Piece]:
    return [(_DAYS[match[1]], match.start())]


_UNTIL = r"(?P<until> ?[–-] ?(?=\d{1,2}(?::\d\d| ?[AaPp]\.?[Mm])))?"
_HALF = r"(?: ?([AaPp])(?:\. ?([Mm])\.?|([Mm]))(?![A-Za-z]))"


@rule(
    rf"(?<![\w.,:])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?{_HALF}?(?![:\d]|\w){_UNTIL}"
)
def _clock(match: re.Match[str]) -> Sequence[Piece]:
    hour, minute = match[1], match[2]
    pieces = [(cardinal(str(int(hour))), match.start(1))]
    if minute != "00":
        pieces.append((pair(minute), match.start(2)))
    elif not match[4] and not match[3]:
        pieces.append(("o'clock" if 1 <= int(hour) <= 12 else "hundred", match.start(2)))
    if match[3]:
        word = "second" if int(match[3]) == 1 else "seconds"
        pieces.append((f"and {cardinal(str(int(match[3])))} {word}", match.start(3)))
    return [*pieces, *_half(match, 4), *_until(match)]


@rule(rf"(?<![\w.,:])(1[0-2]|0?[1-9]){_HALF}(?!\w){_UNTIL}")
def _hour(match: re.Match[str]) -> Sequence[Piece]:
    return [(cardinal(str(int(match[1]))), match.start(1)), *_half(match, 2), *_until(match)]


def _until(match: re.Match[str]) -> list[Piece]:
    return [("to", match.start("until"))] if match["until"] else []


def _half(match: re.Match[str], group: int) -> list[Piece]:
    if not match[group]:
        return []
    pieces = [(match[group].upper(), match.start(group)), ("M", match.end(group))]
    return [*pieces, *stop(match)]


@rule(r"(?<![\w.,])(')?(\d{0,2})(\d0)'?s\b")
def _decade(match: re.Match[str]) -> Sequence[Piece] | None:
    century, decade = match[2], match[3]
    if len(century) == 1 or (century and (century[0] == "0" or int(century) > 20)):
        return None
    if not century and decade in ("00", "10"):
        return None
    words = f"{century}{decade}" if century.endswith("0") and decade == "00" else ""
    if words:
        return [(plural(year(words)), match.start(2))]
    last = plural(cardinal(decade) if decade != "00" else "hundred")
    return [*([(cardinal(century), match.start(2))] if century else []), (last, match.start(3))]


@rule(r"(?<![\w'])'(\d\d)(?![\w'])")
def _short_year(match: re.Match[str]) -> Sequence[Piece]:
    return [(pair(match[1]), match.start(1))]


RULES: tuple[Rule, ...] = (
    _weekday, _iso, _numeric, _month_day, _day_month, _month_year, _month_alone, _clock, _hour,
    _decade, _short_year,
)  # fmt: skip
