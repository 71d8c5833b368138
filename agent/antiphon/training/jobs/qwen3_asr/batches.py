"""Batches of the clips that a Qwen3-ASR hears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from antiphon.errors import UserError
from antiphon.recognition.qwen3_asr.features import Features
from antiphon.recognition.qwen3_asr.tower import STRIDE, tokens
from antiphon.training.corpora.hearing.spoken_languages import Clip
from antiphon.training.jobs.qwen3_asr.model import padded

BATCH = 16


@dataclass(frozen=True)
class Batch:
    """Clips of about the same length."""

    frames: torch.Tensor
    """[B, bands, T] padded to whole chunks."""
    mask: torch.Tensor
    """[B, T] 1 where there is sound."""
    chunk: int
    """Frames that pass the convolutions together."""
    clips: Sequence[Clip]

    @property
    def counts(self) -> list[int]:
        """Tokens of each clip."""
        return [tokens(length, self.chunk) for length in self.mask.sum(1).tolist()]


class Batches:
    """Draws batches by step number.

    Args:
        clips: of the corpus.
        features: that the model hears.
        device: where they are wanted.
    """

    def __init__(self, clips: Sequence[Clip], features: Features, device: str = "cpu") -> None:
        if not clips:
            raise UserError("The corpus has no clips: antiphon train qwen3-asr makes it first.")
        self.clips = sorted(clips, key=lambda clip: len(clip.pcm))
        self.features, self.device = features, device

    def draw(self, step: int, seed: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(self.clips) - 2 * BATCH)))
        near = self.clips[first : first + 2 * BATCH]
        return self.collate([near[i] for i in rng.permutation(len(near))[:BATCH]])

    def collate(self, clips: Sequence[Clip]) -> Batch:
        """Clips as a batch."""
        sounds = [np.asarray(clip.pcm.float() / 32768, np.float32) for clip in clips]
        found = [self.features.whole(pcm) for pcm in sounds]
        # Behind the longest is room for what the convolutions make of silence, as in a full chunk.
        longest = max(map(len, found)) + 2 * STRIDE
        chunk = min(self.features.window, -(-longest // STRIDE) * STRIDE)
        return Batch(*padded(found, self.device, chunk), chunk, clips)
