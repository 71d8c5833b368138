"""Whether a reply gives the right answer: a number, or words. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from antiphon.evaluation.chat.wording import in_digits, sentences
from antiphon.evaluation.scores import tokens

Answer = int | Sequence[str]
"""A number, or words of which any are right."""

_OPERATOR = r"(?:times|multiplied by|plus|minus|divided by|over|take away|less|[x×*+÷/−–-])"
_NUMBER = r"\d+(?:\.\d+)?"
_EQUATION = re.compile(
    rf"({_NUMBER}) ?({_OPERATOR}) ?({_NUMBER}),? ?"
    rf"(?:is|are|=|equals?|makes?|gives?|which is|that is|that's)(?: equal to)? ?({_NUMBER})"
    rf"(?!\d| ?{_OPERATOR}[\s\d])"
)
_AFTER_OPERATOR = re.compile(rf"(?:^|[\s\d]){_OPERATOR} ?$")
_BEFORE_OPERATOR = re.compile(rf" ?{_OPERATOR}(?=[\s\d])")
_BELOW_ZERO = re.compile(
    r"(?:^|[=,.:]|\b(?:is|it's|are|be|equals?|gives?|makes?|get|to)) ?(?:minus|negative) $"
)
_COUNTED = re.compile(r"\b(?:these|those|step) $")
_ITEM = re.compile(r"\n\s*\d{1,2}[.)](?=\s)")
"""Matches the number of an item of a list, which is none of the answer."""
_DENIED = re.compile(r"\bnot (?:(?:a|an|the|in|at|on|to|from|called|named|really) )*$")


def answers(reply: str, right: Answer, asked: str = "", also: Sequence[int] = ()) -> bool:
    """Whether a reply gives the right number, or mentions any of the right words."""
    if isinstance(right, int):
        return gives_number(reply, right, asked, also)
    return mentions(reply, right)


def gives_number(reply: str, right: int, asked: str = "", also: Sequence[int] = ()) -> bool:
    """Whether a reply gives the right number, in digits or words, and claims no other.

    What the user said may be said again, sums on the way may be if they are right, and a question
    claims nothing.

    Args:
        reply: what was answered.
        right: the number.
        asked: what the user has said so far.
        also: other numbers that may be said.
    """
    parts = sentences(_ITEM.sub("\n", reply))
    told = " ".join(in_digits(part) for part in parts if not part.endswith("?"))
    results = dict(_equations(told))
    fine = {*map(float, re.findall(_NUMBER, in_digits(asked))), *map(float, also)}
    found = False
    for number in re.finditer(_NUMBER, told):
        value, before = float(number[0]), told[: number.start()]
        holds = results.get(number.end())
        if holds is False or _BELOW_ZERO.search(before):
            return False
        operand = _AFTER_OPERATOR.search(before) or _BEFORE_OPERATOR.match(told, number.end())
        if holds is None and (operand or _COUNTED.search(before)):
            continue
        found = found or value == right
        if value != right and value not in fine and not holds:
            return False
    return found


def _equations(text: str) -> Iterator[tuple[int, bool]]:
    """Where the result of each equation ends, and whether it is true."""
    for match in _EQUATION.finditer(text):
        if not _AFTER_OPERATOR.search(text[: match.start()]):  # not the end of a longer sum
            a, b, result = float(match[1]), float(match[3]), float(match[4])
            yield match.end(), _holds(a, match[2], b, result)


def _holds(a: float, operator: str, b: float, result: float) -> bool:
    if operator in ("times", "multiplied by", "x", "×", "*"):
        return a * b == result
    if operator in ("plus", "+"):
        return a + b == result
    if operator in ("divided by", "over", "÷", "/"):
        return b * result == a
    return a - b == result


def mentions(reply: str, words: Sequence[str]) -> bool:
    """Whether any of the words, or phrases, is in a reply and not denied ("not Paris")."""
    heard = _spaced(reply)
    return any(
        not _DENIED.search(heard[: match.start() + 1])
        for wanted in words
        for match in re.finditer(re.escape(_spaced(wanted)), heard)
    )


def _spaced(text: str) -> str:
    """The tokens of a text, a space on either side of each."""
    return f" {' '.join(tokens(in_digits(text)))} "
