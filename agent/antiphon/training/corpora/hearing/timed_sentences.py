"""Sentences with exact times of their words, said once by several voices and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.training.corpora.hearing.timed_speech import Speak, TimedSpeech, plain, timed_voice
from antiphon.training.corpora.voice import texts

VOICES = ("flite:awb", "flite:slt", "flite:kal16", "festival:voice_cmu_us_slt_arctic_hts")
"""That know their times; flite:rms and the agent's own are held out."""
LETTERS = (8, 140)
"""Letters of a sentence, fewest and most."""


@dataclass(frozen=True)
class Sentence:
    """A sentence as a voice says it."""

    pcm: NDArray[np.float32]
    """[N] at 16 kHz."""
    words: tuple[str, ...]
    times: NDArray[np.float64]
    """[words, 2] seconds at which they begin and end."""
    voice: str


class TimedSentences:
    """Draws sentences with exact times by their number.

    Args:
        data: the data folder (docs/data.md).
        voices: that speak.
    """

    def __init__(self, data: Path, voices: Sequence[str] = VOICES) -> None:
        self.names, self.voices = voices, list[Speak](map(timed_voice, voices))
        turns = (" ".join(turn.split()) for turn in texts.turns(data))
        fewest, most = LETTERS
        self.texts = sorted({t for t in turns if fewest <= len(t) <= most and plain(t)})

    def sentence(self, number: int, seed: int) -> tuple[str, TimedSpeech]:
        """The sentence of a number, and whose voice says it."""
        rng = np.random.default_rng([seed, number])
        while True:
            voice = int(rng.integers(len(self.voices)))
            said = self.voices[voice](self.texts[int(rng.integers(len(self.texts)))])
            if said is not None:
                return self.names[voice], said


def make(
    drawn: TimedSentences, out: Path, numbers: Sequence[int], *, minutes: float, seed: int
) -> bool:
    """Write the sentences that `out` does not have yet; True if all are there."""
    out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * minutes
    for number in tqdm(numbers, desc="timed sentences", unit="sentence"):
        path = out / f"{number:06d}.npz"
        if path.exists():
            continue
        if time.monotonic() > deadline:
            return False
        voice, said = drawn.sentence(number, seed)
        kept: dict[str, Any] = {
            "pcm": (said.pcm.clip(-1, 1) * 32767).astype(np.int16),
            "words": np.array([word.text for word in said.words]),
            "samples": np.array([(word.start, word.end) for word in said.words]),
            "voice": np.array(voice),
        }
        part = path.with_suffix(".part.npz")
        np.savez(part, **kept)
        part.replace(path)
    return True


def read(folder: Path) -> Iterator[Sentence]:
    """The sentences of a folder, in order."""
    for path in sorted(folder.glob("[0-9]*[0-9].npz")):
        with np.load(path) as kept:
            yield Sentence(
                kept["pcm"].astype(np.float32) / 32767,
                tuple(kept["words"].tolist()),
                kept["samples"] / 16_000,
                str(kept["voice"]),
            )
