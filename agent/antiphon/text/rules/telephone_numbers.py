"""Telephone numbers, and other numbers read in groups of digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from antiphon.text.rewriting import Piece, Rule, counted, rule, verbatim
from antiphon.text.rules.acronyms import letters
from antiphon.text.rules.number_words import cardinal, spelled

END = r"(?![\w-]|[.,]\d)"
"""Nothing that goes on with the number."""


def digit_groups(match: re.Match[str], start: int, end: int) -> Iterator[Piece]:
    """Groups digit by digit, set apart by pauses, and letters one by one."""
    groups = list(re.finditer(r"\d+|[A-Za-z]+", match.string[start:end]))
    for group, after in zip(groups, [*groups[1:], None], strict=True):
        text = group[0]
        words = spelled(text) if text.isdigit() else letters(text)
        apart = after is not None and after.start() > group.end()
        yield words + ("," if apart else ""), start + group.start()


@rule(rf"(?<![\w.+/-])\+\d{{1,3}}(?:[ .-]?\(?\d{{1,6}}\)?){{1,6}}{END}")
def _international(match: re.Match[str]) -> Sequence[Piece] | None:
    """+44 20 7946 0958."""
    if not 8 <= sum(c.isdigit() for c in match[0]) <= 15:
        return None
    return [("plus", match.start()), *digit_groups(match, *match.span())]


_TOLL_FREE = ("800", "900")


@rule(
    r"(?<![\w+/-])(?<!\d\.)(?P<country>\+?1[ .-]?)?(?P<open>\()?(?P<area>\d{3})(?(open)\))"
    r"(?P<rest>(?(open)[ .-]{0,2}|[ .-])\d{3}[ .-]?\d{4}(?:-\d{1,4})?)"
    r"(?:,? ?(?:[xX]|(?i:ext|extension)\.?) ?(?P<extension>\d{1,6}))?(?![\w-]|[.,]\d)"
)
def _american(match: re.Match[str]) -> Sequence[Piece]:
    pieces: list[Piece] = []
    if match["country"]:
        plus = "plus " if match["country"][0] == "+" else ""
        pieces.append((f"{plus}one,", match.start()))
    pieces.append((_area(match["area"]) + ",", match.start("area")))
    pieces += digit_groups(match, *match.span("rest"))
    if match["extension"]:
        pieces.append((", extension " + spelled(match["extension"]), match.start("extension")))
    return pieces


def _area(digits: str) -> str:
    return cardinal(digits) if digits in _TOLL_FREE else spelled(digits)


@rule(r"(?<![\w.+/-])(?P<one>1[ .-])?(?P<area>8(?:00|33|44|55|66|77|88)|900)[ .-]"
      r"(?P<word>[A-Z0-9]{1,8}(?:[ -][A-Z0-9]{1,8}){0,3})(?![\w-])")  # fmt: skip
def _vanity(match: re.Match[str]) -> Sequence[Piece] | None:
    """1-800-FLOWERS."""
    if not re.search(r"[A-Z]{2}|-[A-Z]-", match["word"]):
        return None
    pieces = [("one,", match.start())] if match["one"] else []
    pieces.append((_area(match["area"]) + ",", match.start("area")))
    for part in re.finditer(r"\d+|[A-Z]+", match["word"]):
        words = spelled(part[0]) if part[0].isdigit() else part[0]
        words = words if len(words) == 1 else words.lower()
        pieces.append((words, match.start("word") + part.start()))
    return pieces


@rule(
    r"(?<![\w.+/-])(?:"
    r"0\d{2,4}(?: \d{3,4}){1,3}"  # 020 7946 0958
    r"|(?!\d\d0-\d{3}0)\d{3}-\d{4}"  # 555-1234, but not the range 100-1000
    r"|\d{4}(?:[ -]\d{4}){3}"  # a card
    r"|\d{3}-\d{2}-\d{4}"  # social security
    rf"){END}"
)
def _groups(match: re.Match[str]) -> Sequence[Piece]:
    return list(digit_groups(match, *match.span()))


@rule(
    r"(?i)\b(?P<cue>(?:(?:call|dial|phone|ring|text|fax)(?:ing|ed)?(?: (?:us|me|him|her))?"
    rf"(?: (?:on|at))?|extension|ext\.?)) "
    rf"(?P<number>\d{{1,7}}|[2-9]\d{{9}})(?: (?P<or>or) (?P<second>\d{{3}}))?{END}"
)
def _dialled(match: re.Match[str]) -> Sequence[Piece] | None:
    if len(match["number"]) < 3 and match["cue"][0] not in "eE":
        return None
    if counted(match):
        return None
    cue = "extension" if match["cue"].lower().startswith("ext") else ""
    words: list[Piece] = [(cue, match.start())] if cue else verbatim(match, "cue")
    words.append((spelled(match["number"]), match.start("number")))
    if match["second"]:
        words.append(("or", match.start("or")))
        words.append((spelled(match["second"]), match.start("second")))
    return words


@rule(rf"(?<![\w.,$-])[2-9]\d{{2}}[2-9]\d{{6}}{END}|(?<![\w.,$-])\d{{11,}}{END}")
def _long(match: re.Match[str]) -> Sequence[Piece] | None:
    if match[0].endswith("000") or counted(match):
        return None
    return [(spelled(match[0]), match.start())]


RULES: tuple[Rule, ...] = (_international, _american, _vanity, _groups, _dialled, _long)
