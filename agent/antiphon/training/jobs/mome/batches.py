"""Batches of clips for MoME: about equally long ones, short ones first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from antiphon.errors import UserError
from antiphon.recognition.mome.model import MomeModel
from antiphon.training.corpora.hearing.recognition import Clip
from antiphon.training.corpora.hearing.spoken_characters import token_at
from antiphon.training.jobs.drax.batches import shown

SHORT = 0.3
"""Share of the clips, the shortest, that are drawn from at first; all of them are from the middle
of the training on."""

LONGEST = 600
"""States of a clip at most."""


@dataclass(frozen=True)
class Row:
    """A clip."""

    frames: torch.Tensor
    """[T, width] encoder states, float16."""
    tokens: list[int]
    """What is said, in the language model's tokens."""
    spoken: torch.Tensor
    """[T] which of the tokens is spoken; -1: none."""
    lips: torch.Tensor | None = None
    """[T / 2, lip_width] states of the lips, float16; None: they are not seen."""


def row(
    model: MomeModel,
    frames: torch.Tensor,
    text: str,
    places: torch.Tensor,
    lips: torch.Tensor | None = None,
) -> Row:
    """A clip in the tokens of a model.

    Args:
        model: whose tokens are wanted.
        frames: [T, width] encoder states.
        text: what is said.
        places: [T] which character is spoken (`spoken_characters`).
        lips: [T / 2, lip_width] states of the lips.
    """
    found = model.tokenizer(f" {text}", add_special_tokens=False, return_offsets_mapping=True)
    ends = [max(0, end - 1) for _, end in found["offset_mapping"]]
    return Row(frames, list(found["input_ids"]), token_at(places, ends), lips)


class Batches:
    """Draws clips by step number.

    Args:
        clips: of the corpus; those without words, or longer than `LONGEST`, are left out.
        places: which character is spoken at every state of each (`spoken_characters`).
        model: whose tokens are wanted.
    """

    def __init__(
        self, clips: Sequence[Clip], places: Sequence[torch.Tensor], model: MomeModel
    ) -> None:
        self.rows = ordered(
            row(model, clip.frames, clip.text, at)
            for clip, at in zip(clips, places, strict=True)
            if clip.text and 0 < len(clip.frames) <= LONGEST
        )

    def draw(self, step: int, seed: int, size: int, done: float = 1.0) -> list[Row]:
        """The clips of a step.

        Args:
            step: its number.
            seed: of the order.
            size: how many.
            done: share of the training that is over.
        """
        share = min(1.0, SHORT + (1 - SHORT) * 2 * done)
        return alike(self.rows, share, size, np.random.default_rng([seed, step]))


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Rows, shortest first.

    Raises:
        UserError: There are none.
    """
    found = sorted(rows, key=lambda row: len(row.frames))
    if not found:
        raise UserError("The corpus has no clips: antiphon train mome makes it first.")
    return found


def alike(rows: Sequence[Row], share: float, size: int, rng: np.random.Generator) -> list[Row]:
    """Some rows of about the same length from a share of ordered ones, the shortest."""
    last = max(1, int(share * len(rows)) - 2 * size)
    first = int(rng.integers(last))
    near = rows[first : first + 2 * size]
    return [near[i] for i in rng.permutation(len(near))[:size]]


def hidden(frames: torch.Tensor) -> torch.Tensor:
    """States [T, width], float32, some runs of which are hidden while a model learns."""
    whole = frames.float()
    return whole * shown(whole[None])[0]
