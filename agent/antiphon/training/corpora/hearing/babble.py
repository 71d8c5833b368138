"""Babble: several people talk at once, which hides a voice best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from antiphon import audio_file, datasets
from antiphon.errors import UserError
from antiphon.recognition.whisper.features import SAMPLE_RATE
from antiphon.training.corpora.hearing.augmentation import Augment, Sound

TALKERS = 6
"""That talk at once."""
RECORDINGS = 120
"""Of people, that babble is cut from at most."""
COLLECTION = "librispeech_subset"


class Babble:
    """Draws babble.

    Args:
        recordings: of one talker each.
    """

    def __init__(self, recordings: Sequence[Sound]) -> None:
        self.recordings = [pcm for pcm in recordings if len(pcm) and np.abs(pcm).max() > 0]

    @classmethod
    def of(cls, data: Path, split: str, seed: int = 0) -> Babble:
        """Babble of people of a split, `train` or `dev`.

        Raises:
            UserError: The data folder has no recordings of people.
        """
        folder = data / "speech" / COLLECTION
        if not folder.is_dir():
            raise UserError(f"{data} has no speech/{COLLECTION}: give the folder of docs/data.md.")
        rows = [row for row in datasets.clips(folder) if row["split"] == split]
        some = np.random.default_rng(seed).permutation(len(rows))[:RECORDINGS]
        return cls([audio_file.read(rows[i]["audio"], SAMPLE_RATE) for i in some])

    def draw(self, samples: int, rng: np.random.Generator) -> Sound:
        """Babble [samples], all talkers equally loud."""
        total = np.zeros(samples, np.float32)
        for _ in range(TALKERS):
            pcm = self.recordings[int(rng.integers(len(self.recordings)))]
            start = int(rng.integers(len(pcm)))
            cut = np.take(pcm, np.arange(start, start + samples), mode="wrap")
            total += cut / (np.sqrt(np.square(cut).mean()) + 1e-6)
        return total

    def over(self, pcm: Sound, decibel: float | None, rng: np.random.Generator) -> Sound:
        """A voice [N], so many dB above babble; None: alone."""
        if decibel is None:
            return pcm
        return Augment.mix(pcm, self.draw(len(pcm), rng), decibel, rng)
