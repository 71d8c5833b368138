"""Triggers: when is a run of tokens ready to be spoken?

`BreathTrigger` is the default: an early first segment, longer ones after it, cut where a speaker
would breathe. `EchoXTrigger` is the rule of the public EchoX inference code, kept for comparison.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional as F

from antiphon.messages import Segment, Token
from antiphon.t2c.pronunciation.heteronyms import needs_next_word

PAUSE = re.compile(r"[,;:.!?—][\"')\]]*$")
NOT_AN_END = re.compile(
    r"(\d[.,:]?|\b(Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|vs|No|etc|e\.g|i\.e|[A-Z])\.|[($€£\"#*-]"
    r"|\b[Ss]ymbol\b[^.,!?]{0,40})$"  # the symbol for sodium is Na
)
BEGINS_PHRASE = re.compile(
    r"(and|or|but|because|so|if|when|while|where|which|who|that|than|as|"
    r"of|in|on|at|by|for|from|to|with|about|into|over|after|before|since|until|between|"
    r"is|are|was|were|has|have|had|can|will|would|could|should|may|might)",
    re.IGNORECASE,
)


class Trigger(Protocol):
    """Cuts a stream of tokens into segments."""

    def cut(self, tokens: Iterable[Token]) -> Iterator[Segment]:
        """Segments as soon as they are ready; the last one is final."""


@dataclass(frozen=True)
class BreathTrigger:
    """Cut between words, the sooner the better the place.

    A pause in writing is the best place, the beginning of a phrase is good, any other space will
    do in the end; a number keeps its unit, a title its name, and a word that is pronounced by the
    words around it the next one. A word alone is said worse than with the next one, so a name of
    many tokens is no segment. One token of look-ahead tells whether the word is complete.
    """

    first: tuple[int, int, int] = (2, 3, 4)
    """Least tokens of the first segment at a pause, before a phrase, and anywhere."""
    later: tuple[int, int, int] = (6, 14, 22)
    """The same for the segments after it."""

    def cut(self, tokens: Iterable[Token]) -> Iterator[Segment]:
        """Segments of a stream of tokens."""
        held: list[Token] = []
        least = self.first
        for token in tokens:
            if held and len(held) >= self._wanted(held, token, least):
                yield Segment(tuple(held), final=False)
                held, least = [], self.later
            held.append(token)
        if held:
            yield Segment(tuple(held), final=True)

    def _wanted(self, held: list[Token], token: Token, least: tuple[int, int, int]) -> float:
        text = "".join(t.text for t in held)
        if not token.text[:1].isspace() or not text.strip():
            return float("inf")
        if text[-1] in ".!?" and not NOT_AN_END.search(text):
            return least[0]
        if NOT_AN_END.search(text) or token.text.strip()[:1].isdigit():
            return float("inf")
        if needs_next_word(text):
            return float("inf")
        if PAUSE.search(text):
            return least[0]
        if len(text.split()) < 2:
            return float("inf")
        return least[1] if BEGINS_PHRASE.fullmatch(token.text.strip()) else least[2]


@dataclass(frozen=True)
class WholeTrigger:
    """Speaks only when the whole reply is written."""

    def cut(self, tokens: Iterable[Token]) -> Iterator[Segment]:
        """One segment."""
        held = tuple(tokens)
        if held:
            yield Segment(held, final=True)


@dataclass(frozen=True)
class EchoXTrigger:
    """EchoX: cut where the hidden state is most like the period's output embedding.

    A local peak of `cos(h, v)` over `window` tokens to either side cuts if the segment has 50
    tokens, or 20 and the peak is above 0.1.
    """

    period: torch.Tensor
    """[H] the row of the LM head that predicts a period."""
    window: int = 5
    threshold: float = 0.1
    least: int = 20
    enough: int = 50

    def cut(self, tokens: Iterable[Token]) -> Iterator[Segment]:
        """Segments of a stream of tokens."""
        held: list[Token] = []
        scores: list[float] = []
        first = 0
        for t, token in enumerate(tokens):
            held.append(token)
            scores.append(float(F.cosine_similarity(token.hidden, self.period.float(), dim=0)))
            i = t - self.window
            if i < 0 or scores[i] < max(scores[max(0, i - self.window) : t + 1]):
                continue
            length = i - first
            if length >= self.enough or (scores[i] > self.threshold and length >= self.least):
                yield Segment(tuple(held[: length + 1]), final=False)
                held, first = held[length + 1 :], i + 1
        if held:
            yield Segment(tuple(held), final=True)
