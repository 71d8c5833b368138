"""Batches of clips for MoME: about equally long ones, short ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from antiphon.errors import UserError
from antiphon.recognition.mome.model import MomeModel
from antiphon.training.corpora.hearing.recognition import Clip
from antiphon.training.corpora.hearing.spoken_characters import token_at
from antiphon.training.jobs.drax.losses import shown

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
        rows = []
        for clip, at in zip(clips, places, strict=True):
            if not clip.text or not 0 < len(clip.frames) <= LONGEST:
                continue
            found = model.tokenizer(
                f" {clip.text}", add_special_tokens=False, return_offsets_mapping=True
            )
            ends = [max(0, end - 1) for _, end in found["offset_mapping"]]
            rows.append(Row(clip.frames, list(found["input_ids"]), token_at(at, ends)))
        if not rows:
            raise UserError("The corpus has no clips: antiphon train mome makes it first.")
        self.rows = sorted(rows, key=lambda row: len(row.frames))

    def draw(self, step: int, seed: int, size: int, done: float = 1.0) -> list[Row]:
        """The clips of a step.

        Args:
            step: its number.
            seed: of the order.
            size: how many.
            done: share of the training that is over.
        """
        rng = np.random.default_rng([seed, step])
        share = min(1.0, SHORT + (1 - SHORT) * 2 * done)
        last = max(1, int(share * len(self.rows)) - 2 * size)
        first = int(rng.integers(last))
        near = self.rows[first : first + 2 * size]
        return [near[i] for i in rng.permutation(len(near))[:size]]


def hidden(frames: torch.Tensor) -> torch.Tensor:
    """States [T, width], float32, some runs of which are hidden while a model learns."""
    whole = frames.float()
    return whole * shown(whole[None])[0]
