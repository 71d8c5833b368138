"""The corpus of the recognizers: Whisper's encoder states of clips whose text is known.

States are computed once and kept as float16. A shard depends on the seed and its number alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon import audio_file, datasets
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.features import SAMPLE_RATE
from antiphon.training.corpora.augmentation import Augment
from antiphon.training.corpora.heard_speech import Questions, Recording, has_number, recordings
from antiphon.training.corpora.synthetic_voices import Voice, training_voices

Sound = NDArray[np.float32]

SHARD = 128
"""Clips a shard."""
CHANGED = 0.5
"""Share of people's recordings that are changed."""
LONGEST = 12 * SAMPLE_RATE
"""Samples of a clip at most."""
DEV = ("librispeech_subset", "kathleen", "matthes_lj_sentences", "speechocean762")
DEV_CLIPS = 20
"""Of each collection, held out to watch the training."""


@dataclass(frozen=True)
class Clip:
    """A clip as a recognizer is shown it."""

    frames: torch.Tensor
    """[T, width] encoder states, float16."""
    text: str


class RecognitionCorpus:
    """Draws clips: people's recordings, half of them changed by room and noise; synthetic speech.

    Args:
        data: the data folder (docs/data.md).
        synthetic: how many clips are synthetic.
        versions: how many times each recording is there.
        limit: how many of all these clips are taken at most, by chance; None: all.
        voices: that speak them; None: all training voices.
    """

    def __init__(
        self,
        data: Path,
        synthetic: int,
        versions: int = 1,
        limit: int | None = None,
        voices: list[Voice] | None = None,
    ) -> None:
        self.people = [clip for clip in recordings(data) if clip.text] * versions
        self.synthetic, self.limit = synthetic, limit
        self.augment, self.questions = Augment(data), Questions(data, has_number)
        self.voices = training_voices(None) if voices is None else voices

    @property
    def shards(self) -> int:
        """How many shards there are."""
        total = len(self.people) + self.synthetic
        return -(-min(total, self.limit or total) // SHARD)

    def clips(self, shard: int, seed: int) -> Iterator[tuple[Sound, str]]:
        """Sound [N] at 16 kHz and text of the clips of a shard."""
        total = len(self.people) + self.synthetic
        order = np.random.default_rng(seed).permutation(total)
        rng = np.random.default_rng([seed, shard])
        for at in order[shard * SHARD : (shard + 1) * SHARD]:
            if at < len(self.people):
                clip: Recording = self.people[at]
                pcm, text = audio_file.read(clip.path, SAMPLE_RATE), clip.text
                if rng.random() < CHANGED:
                    pcm = self.augment(pcm, rng)
            else:
                text = self.questions.draw(rng)
                while has_number(text):
                    text = self.questions.draw(rng)
                pcm = self.voices[int(rng.integers(len(self.voices)))].speak(text)
                pcm = self.augment(pcm, rng)
            if len(pcm) <= LONGEST:
                yield pcm, text


def build(
    corpus: RecognitionCorpus, encoder: AudioEncoder, out: Path, *, minutes: float, seed: int = 0
) -> bool:
    """Write the shards that `out` does not have yet; True if all are there.

    Args:
        corpus: of clips.
        encoder: of the states.
        out: folder of the shards.
        minutes: time to take at most.
        seed: of the order and of what is made up.
    """
    out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * minutes
    for number in tqdm(range(corpus.shards), desc="corpus", unit="shard"):
        path = out / f"{number:05d}.pt"
        if path.exists():
            continue
        if time.monotonic() > deadline:
            return False
        write(path, corpus.clips(number, seed), encoder)
    return True


def dev_clips(data: Path) -> Iterator[tuple[Sound, str]]:
    """Sound and text of people's clips that nothing is trained on."""
    for part in DEV:
        rows = [
            row
            for row in datasets.clips(data / "speech" / part)
            if row["split"] == "dev" and row.get("text")
        ]
        for row in rows[:DEV_CLIPS]:
            pcm = audio_file.read(row["audio"], SAMPLE_RATE)
            if len(pcm) <= LONGEST:
                yield pcm, row["text"]


def write(path: Path, clips: Iterator[tuple[Sound, str]], encoder: AudioEncoder) -> None:
    """Write the states of clips to a file, atomically."""
    rows = [{"frames": encoder.whole(pcm).half(), "text": text} for pcm, text in clips]
    part = path.with_suffix(".part")
    torch.save(rows, part)
    part.replace(path)


def read(folder: Path) -> list[Clip]:
    """All clips of a folder of shards, in order."""
    return [
        Clip(row["frames"], row["text"])
        for path in sorted(folder.glob("[0-9]*.pt"))
        for row in torch.load(path, weights_only=True)
    ]
