"""What a segment becomes before it is spoken, and what it follows. Values without weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch

from antiphon.messages import Segment, Word
from antiphon.t2c.spelling import Spelling, spell

CONTEXT_CHARACTERS = 20
CONTEXT_READ = 80
"""Characters before a segment by which heteronyms are told apart."""


@dataclass(frozen=True)
class SentenceState:
    """What the segments of a sentence have said so far."""

    opening: bool = True
    """Whether it is the first sentence of a reply."""
    text: str = ""
    """Last characters."""
    said: str = ""
    """More of them, for what depends on the words before."""
    character_vectors: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    """[C, H] their token vectors."""
    sounds: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()
    vectors: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    """[S, H] token vectors of the sounds."""

    def continued(self, segment: Segment) -> Spelling:
        """The spelling of a segment that follows, set apart from what was said before."""
        form = spell([token.text for token in segment.tokens])
        if self.text and segment.text[:1].isspace() and form.text[:1] != " ":
            return Spelling(" " + form.text, (0, *form.written), (0, *form.tokens))
        return form

    def after(self, form: Spelling, vectors: torch.Tensor) -> SentenceState:
        """The state with the characters of a spelling, whose tokens have `vectors` [T, H]."""
        letters = joined(self.character_vectors, vectors[torch.tensor(form.tokens)])
        return replace(
            self,
            text=(self.text + form.text)[-CONTEXT_CHARACTERS:],
            said=(self.said + form.text)[-CONTEXT_READ:],
            character_vectors=letters[-CONTEXT_CHARACTERS:],
        )


@dataclass(frozen=True)
class Clause:
    """A part of one sentence, ready for the unit LM."""

    condition: torch.Tensor
    """[T, width] condition of every unit."""
    fresh: bool
    """True if a sentence begins here, so the unit LM forgets what it said."""
    sounds: tuple[int, ...]
    lengths: tuple[int, ...]
    """Units of each sound; T in all."""
    tokens: tuple[int, ...]
    """Token of the segment that each sound belongs to."""


@dataclass(frozen=True)
class Plan:
    """A segment before it is spoken: every sound and its length are decided."""

    clauses: tuple[Clause, ...]
    words: tuple[Word, ...]
    """Written words; their places are counted in units from the segment's start."""

    @property
    def units(self) -> int:
        """Units the segment will take."""
        return sum(len(clause.condition) for clause in self.clauses)


def sentences(form: Spelling) -> Iterator[tuple[Spelling, bool]]:
    """Sentences of a spelling, each with whether it ends there or goes on in the next segment."""
    first = 0
    for match in re.finditer(r"[.!?]+(?=\s|$)", form.text):
        yield form[first : match.end()], True
        first = match.end()
        while first < len(form.text) and form.text[first] == " ":
            first += 1
    if first < len(form.text):
        yield form[first:], False


def timed(text: str, spans: list[tuple[int, int, int]]) -> Iterator[Word]:
    """Written words of `text` with the units they sound in.

    Args:
        text: what was written.
        spans: for every sound, the written character it came from and its first and last unit.
    """
    at = 0
    for match in re.finditer(r"\S+", text):
        own = [(a, b) for c, a, b in spans if match.start() <= c < match.end()]
        start, end = (own[0][0], own[-1][1]) if own else (at, at)
        at = end
        yield Word(match.group(), start, end)


def joined(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Two runs of vectors one after the other; the first may be empty, of any width."""
    return torch.cat([before, after]) if len(before) else after
