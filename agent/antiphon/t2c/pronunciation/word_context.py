"""A word and what stands around it, as far as it has been written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from antiphon.text.rewriting import listed

REACH = 5
"""Words before and after that are looked at."""

_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|[.!?,;:]")


@dataclass(frozen=True)
class Context:
    """A word and what stands around it."""

    word: str
    """As written."""
    before: tuple[str, ...]
    """Words and marks before it in lower case, the nearest first."""
    after: tuple[str, ...]
    """The same after it."""
    follows: str
    """The word before as written; "" at the start of a sentence."""
    leads: str
    """The word after as written."""

    def previous(self, place: int = 0) -> str:
        """The word at a place before, the nearest at 0; "" if a sentence starts between."""
        words = self.sentence_before
        return words[place] if place < len(words) else ""

    def next(self, place: int = 0) -> str:
        """The word at a place after; "" beyond the sentence."""
        words = self.sentence_after
        return words[place] if place < len(words) else ""

    @property
    def sentence_before(self) -> tuple[str, ...]:
        """Words before it in its sentence, the nearest first."""
        return _until_stop(self.before)

    @property
    def sentence_after(self) -> tuple[str, ...]:
        """Words after it in its sentence."""
        return _until_stop(self.after)

    def near(self, words: str) -> bool:
        """Whether any of `words` stands around it."""
        around = {*self.sentence_before, *self.sentence_after}
        return not around.isdisjoint(listed(words))

    @property
    def begins(self) -> bool:
        """Whether it begins its sentence or clause."""
        return not self.before or self.before[0] in ".!?,;:"


def _until_stop(words: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for word in words:
        if word in ".!?":
            break
        if word not in ",;:":
            found.append(word)
    return tuple(found)


def context(text: str, start: int, end: int, before: str = "") -> Context:
    """The word at `text[start:end]` and its surroundings.

    Args:
        text: spoken form.
        start: of the word.
        end: one past its last character.
        before: what was said before `text`.
    """
    left = _WORD.findall((before + text[:start])[-80:])[-2 * REACH :]
    right = _WORD.findall(text[end : end + 80])[: 2 * REACH]
    follows = left[-1] if left and left[-1] not in ".!?" else ""
    lower = [word.lower() for word in left]
    return Context(
        text[start:end],
        tuple(reversed(lower)),
        tuple(word.lower() for word in right),
        follows,
        right[0] if right else "",
    )
