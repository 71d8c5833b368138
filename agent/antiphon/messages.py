"""The records that flow from text to speech, in one direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Doubt = Literal["no speech", "loop", "language", "unclear"]
"""Why a transcript is not believed. no speech: nobody speaks. loop: the same words over and over.
language: one the recognizer does not write. unclear: it is not sure of its words, as after a
language that it does not know."""


@dataclass(frozen=True)
class Turn:
    """One finished turn of a conversation."""

    role: Literal["user", "assistant", "system"]
    """Who spoke; system: nobody, it is what the model is told before the conversation."""
    text: str
    """What was said, as the language model should remember it."""
    shown: bool = True
    """Whether it stands in the prompt; else it is only found again for a question about it."""


@dataclass(frozen=True)
class Token:
    """One token the language model has chosen."""

    id: int
    """Index in the language model's vocabulary."""
    text: str
    """The characters it adds to the reply (may be empty while a character is incomplete)."""
    hidden: torch.Tensor
    """[H] float32, predictor state: last layer, after the final norm, whose logits chose it."""


@dataclass(frozen=True)
class Segment:
    """A run of tokens that is spoken in one go."""

    tokens: tuple[Token, ...]
    """At least one token."""
    final: bool
    """True if the reply ends here."""

    @property
    def text(self) -> str:
        """The characters of the segment."""
        return "".join(token.text for token in self.tokens)

    @property
    def hidden(self) -> torch.Tensor:
        """[T, H] predictor states of the tokens."""
        import torch

        return torch.stack([token.hidden for token in self.tokens])


@dataclass(frozen=True)
class Word:
    """A written word of the reply and where it sounds."""

    text: str
    """As written, without surrounding spaces."""
    start: int
    """First sample, counted from the first sample of the reply."""
    end: int
    """One past the last sample."""


@dataclass(frozen=True)
class Speech:
    """A piece of the spoken reply."""

    pcm: NDArray[np.float32]
    """[N] mono samples in [-1, 1]."""
    sample_rate: int
    """Samples a second."""
    start: int
    """Index of the first sample, counted from the first sample of the reply."""
    text: str
    """The text of the segment this audio belongs to."""
    units: tuple[int, ...] = ()
    """Codec units of the segment; on the segment's last piece only."""
    words: tuple[Word, ...] = ()
    """Words of the segment with their samples; on the segment's first piece only."""
    final: bool = False
    """True on the last piece of the reply."""
