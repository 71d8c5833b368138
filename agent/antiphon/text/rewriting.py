"""Rewriting text by rules, with every character's origin kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Piece: TypeAlias = tuple[str, int]
"""Words, and the index in the rule's text (`Match.string`) where they come from."""

Speak: TypeAlias = Callable[["re.Match[str]"], Sequence[Piece] | None]
"""What a match is read as; None leaves it as it is, an empty list drops it."""


@dataclass(frozen=True)
class Rule:
    """What is written, and how it is read."""

    pattern: re.Pattern[str]
    """Must match in linear time over any text: bounded, or anchored at a boundary."""
    speak: Speak


def listed(text: str) -> tuple[str, ...]:
    """The words of a table."""
    return tuple(text.split())


def rule(pattern: str, flags: int = 0) -> Callable[[Speak], Rule]:
    """Decorator that makes the function below it a `Rule`."""
    return lambda speak: Rule(re.compile(pattern, flags), speak)


def replace(pattern: str, words: str, flags: int = 0) -> Rule:
    """A rule that always reads the same words."""
    return Rule(re.compile(pattern, flags), lambda match: [(words, match.start())])


def apply(rules: Iterable[Rule], text: str, source: list[int]) -> tuple[str, list[int]]:
    """Apply rules one after another.

    Args:
        rules: In the order of precedence.
        text: N characters.
        source: [N] origin of each.

    Returns:
        The text rewritten, and the origin of each of its characters. Pieces are set apart from
        their neighbours and from each other by spaces.
    """
    for each in rules:
        out: list[str] = []
        origin: list[int] = []
        done = 0
        for match in each.pattern.finditer(text):
            if match.end() == match.start() or (pieces := each.speak(match)) is None:
                continue
            out.append(text[done : match.start()])
            origin += source[done : match.start()]
            for words, index in pieces or [("", match.start())]:
                spaced = f" {words} "
                out.append(spaced)
                origin += [source[index]] * len(spaced)
            done = match.end()
        if done:
            out.append(text[done:])
            text, source = "".join(out), origin + source[done:]
    return text, source


def verbatim(match: re.Match[str], group: int | str = 0) -> list[Piece]:
    """The words of a group as they stand, each with its own origin."""
    words = re.finditer(r"\S+", match[group])
    return [(word[0], match.start(group) + word.start()) for word in words]


_WORD_BEFORE = re.compile(r"([A-Za-z][A-Za-z.']*)[^A-Za-z0-9]*$")
_WORD_AFTER = re.compile(r"[ \t]*([A-Za-z][A-Za-z']*)")


def word_before(match: re.Match[str], start: int | None = None) -> str:
    """The word before a match, or before `start`; "" if a number or nothing stands there."""
    end = match.start() if start is None else start
    found = _WORD_BEFORE.search(match.string[max(0, end - 24) : end])
    return found[1] if found else ""


def word_after(match: re.Match[str]) -> str:
    """The word after a match, if nothing but spaces stands between; else ""."""
    found = _WORD_AFTER.match(match.string[match.end() : match.end() + 24])
    return found[1] if found else ""


def clause_before(match: re.Match[str]) -> str:
    """Up to 60 characters before a match, in lower case, no further than its sentence."""
    before = match.string[max(0, match.start() - 60) : match.start()]
    return re.split(r"[.!?;\n]\s", before)[-1].lower()


_NOT_NOUNS = frozenset(
    listed(
        "is was as has its this his us does across always plus perhaps unless versus s "
        "besides yes census works opens unlocks expires ends starts goes was"
    )
)


def counted(match: re.Match[str]) -> bool:
    """Whether several things are named after a match, so that its number is a count."""
    after = word_after(match)
    plural = re.search("[^su]s$", after) or after in ("people", "men", "women", "children")
    return bool(plural and after.islower() and after not in _NOT_NOUNS)


STARTERS = frozenset(
    listed(
        "A An And As At But By Do Does For He Her His How However I If In Is It Its My No Of "
        "On Or Our She So That The Their Then There These They This Those Thus To We What "
        "When Where Which While Who Why With Yes You Your"
    )
)
"""Words that, capitalised after a full stop, start a sentence."""


def ends_sentence(match: re.Match[str]) -> bool:
    """Whether the full stop of an abbreviation ends the sentence as well."""
    rest = match.string[match.end() : match.end() + 40]
    return not rest.strip(" \"')") or rest.lstrip(" ")[:1] == "\n" or word_after(match) in STARTERS


def stop(match: re.Match[str]) -> list[Piece]:
    """The full stop of an abbreviation, if it ends the sentence too."""
    return [(".", match.end() - 1)] if match[0].endswith(".") and ends_sentence(match) else []
