"""Dates, decades, parts of a year."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import (
    STARTERS,
    Piece,
    Rule,
    listed,
    rule,
    stop,
    word_after,
    word_before,
)
from antiphon.text.rules.number_words import cardinal, code, ordinal, pair, plural, year

MONTHS = listed(
    "January February March April May June July August September October November December"
)
_DAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_SHORT = {m[:3].lower(): m for m in MONTHS} | {m.lower(): m for m in MONTHS} | {"sept": "September"}
_SHORT_DAYS = (
    {d[:3].lower(): d for d in _DAYS}
    | {d.lower(): d for d in _DAYS}
    | {"tues": "Tuesday", "thur": "Thursday", "thurs": "Thursday"}
)
_MONTH = rf"(?i:{'|'.join(sorted(_SHORT, key=len, reverse=True))})"
_WEEKDAY = rf"(?i:{'|'.join(sorted(_SHORT_DAYS, key=len, reverse=True))})"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_RANK = r"(?:st|nd|rd|th|ST|ND|RD|TH)?"
_YEAR = r"(?:1\d{3}|20\d{2})"
_NO_MORE = r"(?![\w%°]|[.,/:-]\d)"
_DATE_CUES = frozenset(
    listed("on by until till before after since from due for next last this dated of to and or")
)


def _month(written: str) -> str:
    return _SHORT[written.lower()]


def _date(month: Piece, day: Piece, years: Piece | None) -> Sequence[Piece]:
    pieces = [month, (ordinal(day[0]) + ("," if years else ""), day[1])]
    return [*pieces, (year(years[0]), years[1])] if years else pieces


def _group(match: re.Match[str], name: str | int) -> Piece:
    return match[name], match.start(name)


@rule(
    rf"(?<![\w./-])({_YEAR})([-/.])(0[1-9]|1[0-2]|[1-9])\2({_DAY})"
    r"(?:T(?=\d\d:)|(?![\w/-]*\w[/-]|\d|\.\d))"
)
def _iso(match: re.Match[str]) -> Sequence[Piece]:
    at = match.start()  # the year comes first, so all of it sounds from there
    return _date((MONTHS[int(match[3]) - 1], at), (match[4], at), (match[1], at))


@rule(rf"(?<![\w./-])({_YEAR})-(0[1-9]|1[0-2]){_NO_MORE}")
def _iso_month(match: re.Match[str]) -> Sequence[Piece] | None:
    if int(match[2]) > int(match[1][2:]):
        return None  # two years: 2009-10
    at = match.start()
    return [(MONTHS[int(match[2]) - 1], at), (year(match[1]), at)]


@rule(
    rf"(?:(?<![\w./-])|(?<=\d[–-]))(\d{{1,2}})([/.-])(\d{{1,2}})\2({_YEAR}|\d{{2}})"
    r"(?:(?P<until> ?[–-] ?(?=\d{1,2}/\d{1,2}/))|(?![\w/-]|\.\d))"
)
def _numeric(match: re.Match[str]) -> Sequence[Piece] | None:
    first, second = int(match[1]), int(match[3])
    if match[2] != "/" and len(match[4]) == 2:
        return None  # 12-34-56 and 1.2.10 are other things
    day_first = first > 12 or (match[2] == "." and second <= 12)
    month, day = (second, match[1]) if day_first else (first, match[3])
    if not (1 <= month <= 12 and 1 <= int(day) <= 31):
        return None
    written = match[4] if len(match[4]) == 4 else ("20" if int(match[4]) < 50 else "19") + match[4]
    at = match.start()
    date = _date((MONTHS[month - 1], at), (day, match.start(3)), (written, match.start(4)))
    return [*date, ("to", match.start("until"))] if match["until"] else date


@rule(
    rf"(?<![\w./-])(0?[1-9]|1[0-2])/({_DAY})"
    r"(?![\w/%°]|[.,]\d)(?P<event>(?= (?:deadline|date|attacks?|event|launch|party|meeting)\b))?"
    r"(?P<until>(?= ?(?:[–-]|to|and|until|through) ?\d{1,2}/\d))?"
    r"(?P<dash> ?[–-] ?(?=\d{1,2}/\d{1,2}(?![\d/])))?"
)
def _month_slash_day(match: re.Match[str]) -> Sequence[Piece] | None:
    before = word_before(match).lower()
    told = before in ("on", "by", "until", "due", "since", "before", "dated", *_SHORT_DAYS)
    if before in ("for", "from", "through", "to", "between", "and", "after"):
        told = match[2].lstrip("0") not in ("2", "3", "4", "5", "6", "8", "10", "16")
    told |= before in ("from", "between") and match["until"] is not None
    earlier = match.string[max(0, match.start() - 16) : match.start()]
    ends = re.search(r"\b(?:from|on|for|between) \d{1,2}/\d{1,2} ?[–-] ?$", earlier)
    if not (told or ends or match["event"] is not None) or match[0] == "9/11":
        return None
    until = [("to", match.start("dash"))] if match["dash"] else []
    return [*_date((MONTHS[int(match[1]) - 1], match.start()), _group(match, 2), None), *until]


_ALSO_WORDS = frozenset(listed("may march mar dec sep jun jan"))


def _is_word(match: re.Match[str], month: str, certain: bool) -> bool:
    """Whether a month's name is some other word: "they march 3 miles", "she may 2 come"."""
    if month not in _ALSO_WORDS or certain or not match.start():
        return False
    return word_before(match).lower() not in _DATE_CUES


@rule(
    rf"\b({_MONTH})(?:\.? ?|-)({_DAY}){_RANK}(?:(?:,? ?|-)({_YEAR}))?(?![\w%°]|[.,/:]\d|,\d)"
    rf"(?:(?: ?[–-] ?| to )(?:{_MONTH}\.? )?({_DAY}){_RANK}(?:,? ?({_YEAR}))?{_NO_MORE})?"
)
def _month_day(match: re.Match[str]) -> Sequence[Piece] | None:
    if match[1] in MONTHS and match.string[match.end(1)] == ".":
        return None  # a sentence ends with the month
    if _is_word(match, match[1], bool(match[3] or match[5])):
        return None
    if match.start(2) == match.end(1):
        return None
    month = (_month(match[1]), match.start())
    if match[4]:
        other = re.search(rf"({_MONTH})\.? {match[4]}", match[0][match.end(2) - match.start() :])
        last = f"to {_month(other[1]) if other else ''} {ordinal(match[4])}"
        first = _date(month, _group(match, 2), _group(match, 3) if match[3] else None)
        end = [(", " + year(match[5]), match.start(5))] if match[5] else []
        return [*first, (last, match.start(4)), *end]
    return _date(month, _group(match, 2), _group(match, 3) if match[3] else None)


@rule(
    rf"(?<![\w.,/:$-])(?:({_DAY}){_RANK}[–-])?(the )?({_DAY}){_RANK}(?: of)?[ -]({_MONTH})\b\.?"
    rf"(?:(?:,? |-)({_YEAR}){_NO_MORE})?"
)
def _day_month(match: re.Match[str]) -> Sequence[Piece] | None:
    first, the, last, month, years = match.groups()
    if (first and the) or (month in _ALSO_WORDS and not years):
        return None
    day = [("the", match.start())]
    if first:
        day += [(ordinal(first), match.start(1)), ("to", match.end(1))]
    day.append((ordinal(last), match.start(3)))
    said = (_month(month) + ("," if years else ""), match.start(4))
    full = match[0].endswith(".") and month in MONTHS
    over = [(".", match.end() - 1)] if full else stop(match)
    return [*day, ("of", match.start(4)), said, *_years(match, 5), *over]


def _years(match: re.Match[str], group: int) -> list[Piece]:
    return [(year(match[group]), match.start(group))] if match[group] else []


@rule(rf"\b({_MONTH})(?:\.?,?(?P<of> of)? |-)({_YEAR}){_NO_MORE}")
def _month_year(match: re.Match[str]) -> Sequence[Piece] | None:
    if match[1] in MONTHS and match.string[match.end(1)] == ".":
        return None
    if _is_word(match, match[1], False):
        return None
    of = [("of", match.start("of"))] if match["of"] else []
    return [(_month(match[1]), match.start()), *of, *_years(match, 3)]


@rule(
    rf"\b({_MONTH})\.(?=,|\s+[a-z])|\b(?:(Jan)\.(?=\s)|(Feb|Aug|Sept|Oct|Nov|Dec)(?:\.(?=\s)|\b(?!\.|')))"
)
def _month_alone(match: re.Match[str]) -> Sequence[Piece] | None:
    written = match[1] or match[2] or match[3]
    if written in MONTHS or written in _ALSO_WORDS:
        return None
    return [(_month(written), match.start())]


@rule(rf"\b({_WEEKDAY}|{_MONTH})\.?[–-]({_WEEKDAY}|{_MONTH})\b(?!\.?-?\d|-|')(?:\.(?=\s*[a-z,:]))?")
def _span(match: re.Match[str]) -> Sequence[Piece] | None:
    """Mon-Fri, Jan-Mar."""
    names = [_SHORT_DAYS if match[g].lower() in _SHORT_DAYS else _SHORT for g in (1, 2)]
    if names[0] is not names[1] or not match[1][0].isupper():
        return None
    first, last = (names[g - 1][match[g].lower()] for g in (1, 2))
    return [(first, match.start()), ("to", match.end(1)), (last, match.start(2))]


@rule(
    rf"\b(Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun)(?:\.(?=,|:| [\da-z]| {_MONTH}\b)"
    rf"|(?=, (?:\d|{_MONTH}\b)| \d))"
    r"|\b(Tue|Tues|Wed|Thu|Thur|Thurs|Fri)\b"
)
def _weekday(match: re.Match[str]) -> Sequence[Piece] | None:
    after = word_after(match)
    before = word_before(match)
    named = (before[:1].isupper() and before not in STARTERS) or (
        after.istitle() and after.lower() not in _SHORT
    )
    if match[2] and named:
        return None  # somebody's name
    return [(_SHORT_DAYS[(match[1] or match[2]).lower()], match.start())]


@rule(r"(?<![\w.])([1-4])([QH])('?)(\d{2}|20\d\d)\b|\bQ([1-4]) ?'(\d\d)\b")
def _part_of_year(match: re.Match[str]) -> Sequence[Piece]:
    """2Q22, 1H23, Q3'21."""
    rank, years, at = match[1] or match[5], match[4] or match[6], match.start(4 if match[4] else 6)
    part = "half" if match[2] == "H" else "quarter"
    said = year(years) if len(years) == 4 else pair(years)
    return [(f"the {ordinal(rank)} {part} of", match.start()), (said, at)]


@rule(r"(?<![\w.,])(')?(\d{0,2})(\d0)(?:'?[sS]| s)\b(?P<to> ?[–-] ?(?='?\d{0,2}\d0'?s))?")
def _decade(match: re.Match[str]) -> Sequence[Piece] | None:
    century, decade = match[2], match[3]
    if len(century) == 1 or (century and (century[0] == "0" or int(century) > 20)):
        return None
    if not century and (decade in ("00", "10") or match[0].rstrip("–- ").endswith(" s")):
        return None
    until = [("to", match.start("to"))] if match["to"] else []
    if century.endswith("0") and decade == "00":
        return [(plural(year(century + decade)), match.start(2)), *until]
    last = plural(cardinal(decade) if decade != "00" else "hundred")
    before = [(cardinal(century), match.start(2))] if century else []
    return [*before, (last, match.start(3)), *until]


@rule(r"(?<![\w.,:/$-])(\d{3})(?= ?(?:A\.?D|B\.?C|C\.?E|BCE)\b)")
def _early_year(match: re.Match[str]) -> Sequence[Piece]:
    return [(code(match[1]), match.start())]


@rule(r"(?<![\w.,])(1[1-9]\d[1-9]|20\d[1-9])('s)\b")
def _possessive(match: re.Match[str]) -> Sequence[Piece]:
    return [(year(match[1]) + match[2], match.start())]


@rule(r"(?<![\w'])'(\d\d)(?![\w'])")
def _short_year(match: re.Match[str]) -> Sequence[Piece]:
    return [(pair(match[1]), match.start(1))]


@rule(r"\b100(0?)s(?= of\b|[.,;!?]|$)")
def _hundreds(match: re.Match[str]) -> Sequence[Piece]:
    return [("thousands" if match[1] else "hundreds", match.start())]


@rule(r"(?i)\b(the|early|late|mid)([ -])([1-9]00)s\b")
def _century(match: re.Match[str]) -> Sequence[Piece]:
    return [(match[1], match.start()), (plural(cardinal(match[3])), match.start(3))]


RULES: tuple[Rule, ...] = (
    _hundreds, _century, _span, _weekday, _iso, _iso_month, _numeric, _month_slash_day,
    _month_day, _day_month, _month_year, _month_alone, _part_of_year, _decade, _early_year,
    _possessive, _short_year,
)  # fmt: skip
