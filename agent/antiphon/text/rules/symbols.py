"""Signs between words and numbers: plus, equals, to, and, at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from antiphon.text.rewriting import Piece, Rule, replace, rule, word_before
from antiphon.text.units_of_measure import SIGNS, UNITS, currency

_OPERATORS = {
    "+": "plus", "-": "minus", "–": "minus", "*": "times", "×": "times", "x": "times",
    "/": "divided by", "÷": "divided by", "=": "equals",
}  # fmt: skip
_NUMBER = r"(?:\d[\d,.]*(?<=\d))"


@rule(
    rf"(?<![\w.,/^-])[-(]{{0,3}}{_NUMBER}\)?"
    rf"(?: {{0,2}}[-+*/×÷–=x] {{0,2}}[-(]{{0,3}}{_NUMBER}\){{0,2}}){{1,12}}(?![\w%/])"
)
def _equation(match: re.Match[str]) -> Sequence[Piece] | None:
    """1-2=-1; without an equals sign the dash may be a range."""
    behind = match.string[match.end() : match.end() + 2].strip()[:1]
    if "=" not in match[0] + behind:
        return None
    fraction = r"\d+/\d+|" if re.search(r"[-+*×÷x]", match[0]) else ""
    parts = re.finditer(rf"{fraction}{_NUMBER}|[-+*/×÷–=x]|[()]", match[0])
    return [(_OPERATORS.get(p[0], p[0]), match.start() + p.start()) for p in parts]


def _behind_units() -> str:
    """A look-behind for a number with a unit: one for each length, as `re` wants it."""
    units = [re.escape(u) for u in UNITS if len(u) <= 4 and u.isascii() and u.isalpha()]
    units += [
        "%",
        "°",
        "¢",
        "k",
        "K",
        "M",
        "B",
        "T",
        "°C",
        "°F",
        "kg",
        "KG",
        "st",
        "nd",
        "rd",
        "th",
    ]
    return "|".join(
        rf"(?<=\d(?:{'|'.join(sorted(set(same)))}))"
        for _, same in groupby(sorted(units, key=len), key=len)
    )


@rule(r"(?<![A-Za-z])([A-Z]{1,3})&([A-Z]{1,3})(?![A-Za-z])")
def _pair(match: re.Match[str]) -> Sequence[Piece]:
    pieces = [(sign, match.start() + i) for i, sign in enumerate(match[0])]
    return [("and" if sign == "&" else sign, at) for sign, at in pieces]


@rule(r"(?<![A-Za-z])([A-G])#(?!\w)")
def _sharp(match: re.Match[str]) -> Sequence[Piece]:
    return [(match[1], match.start()), ("sharp", match.end() - 1)]


@rule(r"♥")
def _heart(match: re.Match[str]) -> Sequence[Piece]:
    loves = word_before(match) in ("I", "We", "we", "You", "you", "They", "they")
    return [("love" if loves else "", match.start())]


@rule(r"(?<![\d-])(\d{1,3})-(\d{1,3})(?= record\b)")
def _record(match: re.Match[str]) -> Sequence[Piece]:
    return [(match[1], match.start()), ("and", match.end(1)), (match[2], match.start(2))]


@rule(rf"(?<!\$)[{re.escape(SIGNS)}](?![\w$(\\{{])")
def _currency_alone(match: re.Match[str]) -> Sequence[Piece]:
    return [(currency(match[0])[0], match.start())]


@rule(r"(?i)\b(press|hit|dial|key|push|then|or|and)( ?)([#*])(?![\w*#])")
def _key(match: re.Match[str]) -> Sequence[Piece]:
    """A key of a telephone."""
    name = "pound" if match[3] == "#" else "star"
    return [(match[1], match.start()), (name, match.start(3))]


BEFORE_NUMBERS: tuple[Rule, ...] = (
    replace(r"(?<![A-Za-z])C\+\+", "C plus plus"),
    _sharp,
    _key,
    _equation,
    _record,
    replace(rf"(?:{_behind_units()}) ?[-–—] ?(?=[{SIGNS}]?\.?\d)", "to"),
    replace(r"(?<=\d)[x×](?=10\^)", "times"),
    replace(
        r"(?<=\d) ?[x×] ?(?=\d+ ?(?:px|pixels)\b)|(?<=\d)x(?=\d)|(?<=\d\d)×(?=\d\d(?!\d*\^))"
        r"|(?<=[\d\"'])(?: x |x)(?=\d)|(?<=[\"'])(?: × |×)(?=\d)"
        r"|(?:(?<=\d [a-z])|(?<=\d [a-z][a-z])|(?<=\d[a-z][a-z])) [x×] (?=\d)",
        "by",
    ),
    replace(r"(?<=[\d)]) ?(?:\*|×) ?(?=[\d(-])", "times"),
    replace(r"(?<=[\w)]) \* (?=[\w(])", "times"),
    replace(r"(?:(?<=[\d)])|(?<=\d[a-z])|(?<=\^\d)) - {1,3}(?=[\d(])", "minus"),
    replace(r"(?:(?<=\([a-z])|(?<=\b[a-z]))-(?=\d+ ?[=+*/)])", "minus"),
    replace(r"(?<=[\d)A-Za-z]) - (?=[\da-z(]+ ?=)", "minus"),
    replace(r"(?<=[\d)]) / (?=[\d(])", "divided by"),
    replace(r"(?<=\d):(?=\d(?!\d*:))", "to"),
    replace(r"~ ?(?=[$€£]?\d)", "about"),
    replace(r"(?<=[ \t])-{1,3}(?=[ \t])", "—"),
)
"""Signs that only mean something while the digits beside them are still there."""

AFTER_NUMBERS: tuple[Rule, ...] = (
    replace(r"<=|≤", "is less than or equal to"),
    replace(r">=|≥", "is greater than or equal to"),
    replace(r"!=|≠", "is not equal to"),
    replace(r"[-=]+>|→", "to"),
    replace(r"={1,3}", "equals"),
    replace(r"≈", "is about"),
    replace(r"±|\+/-", "plus or minus"),
    replace(r"\+", "plus"),
    replace(r"×", "times"),
    replace(r"÷", "divided by"),
    replace(r"√", "the square root of"),
    replace(r"∞", "infinity"),
    replace(r" < ", "is less than"),
    replace(r" > ", "is greater than"),
    _pair,
    replace(r"&", "and"),
    replace(r"@", "at"),
    replace(r"(?<=\w)#|#(?=\w)", "hash"),
    replace(r"%", "percent"),
    replace(r"§", "section"),
    replace(r"°", "degrees"),
    replace(r"Ω", "omega"),
    replace(r"µ", "micro"),
    _heart,
    _currency_alone,
)
"""Signs that are read wherever they stand."""
