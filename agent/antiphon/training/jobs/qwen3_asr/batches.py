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
HIDDEN_TIME, HIDDEN_BANDS = 0.1, 0.15
"""Shares of a clip's frames and of its bands that are hidden at once, at most, and that twice."""


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

    def draw(self, step: int, seed: int, *, hide: bool = False) -> Batch:
        """The batch of a step; `hide` some of each clip (SpecAugment, arXiv 1904.08779)."""
        rng = np.random.default_rng([seed, step])
        first = int(rng.integers(max(1, len(self.clips) - 2 * BATCH)))
        near = self.clips[first : first + 2 * BATCH]
        return self.collate(
            [near[i] for i in rng.permutation(len(near))[:BATCH]], rng if hide else None
        )

    def collate(self, clips: Sequence[Clip], rng: np.random.Generator | None = None) -> Batch:
        """Clips as a batch; `rng` hides some of each."""
        sounds = [np.asarray(clip.pcm.float() / 32768, np.float32) for clip in clips]
        found = [self.features.whole(pcm) for pcm in sounds]
        if rng is not None:
            found = [partly_hidden(frames, rng) for frames in found]
        # Behind the longest is room for what the convolutions make of silence, as in a full chunk.
        longest = max(map(len, found)) + 2 * STRIDE
        chunk = min(self.features.window, -(-longest // STRIDE) * STRIDE)
        return Batch(*padded(found, self.device, chunk), chunk, clips)


def partly_hidden(frames: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Frames [T, bands], two spans of time and two of bands of them as loud as the clip's mean."""
    found, level = frames.clone(), frames.float().mean().to(frames)
    for _ in range(2):
        for hidden, share in ((found, HIDDEN_TIME), (found.T, HIDDEN_BANDS)):
            width = int(rng.integers(1 + int(share * len(hidden))))
            first = int(rng.integers(1 + len(hidden) - width))
            hidden[first : first + width] = level
    return found
