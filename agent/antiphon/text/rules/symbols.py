"""Signs between words and numbers: plus, equals, and, at."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.text.rewriting import Piece, Rule, replace, rule


@rule(r"(?<![A-Za-z])([A-Z]{1,3})&([A-Z]{1,3})(?![A-Za-z])")
def _pair(match: re.Match[str]) -> Sequence[Piece]:
    pieces = [(sign, match.start() + i) for i, sign in enumerate(match[0])]
    return [("and" if sign == "&" else sign, at) for sign, at in pieces]


BEFORE_NUMBERS: tuple[Rule, ...] = (
    replace(r"(?<![A-Za-z])C\+\+", "C plus plus"),
    replace(r"(?<![A-Za-z])([CF])#(?!\w)", "C sharp"),
    replace(
        r"(?<=\d) ?[x×] ?(?=\d+ ?(?:px|pixels)\b)|(?<=\d)x(?=\d)|(?<=\d\d)×(?=\d\d(?!\d*\^))", "by"
    ),
    replace(r"(?<=[\d)]) ?(?:\*|×) ?(?=[\d(-])", "times"),
    replace(r"(?<=[\d)]) x (?=[\d(])", "times"),
    replace(r"(?<=[\d)]) - (?=[\d(])", "minus"),
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
    replace(r"(?<=[A-Za-z ])@(?=[A-Za-z ])", "at"),
    replace(r"%", "percent"),
    replace(r"§", "section"),
    replace(r"°", "degrees"),
)
"""Signs that are read wherever they stand."""
