"""Clips an aligner learns from: sentences with exact times, joined and changed.

A clip is what a Whisper makes of it. Some texts have words that are not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.recognition.alignment.slots import spoken
from antiphon.recognition.alignment.text_reading import (
    Reading,
    TextReader,
    word_states,
    word_windows,
)
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.training.corpora import numbered_files
from antiphon.training.corpora.hearing.augmentation import Augment, resample
from antiphon.training.corpora.hearing.timed_sentences import Sentence

Sound = NDArray[np.float32]

LENGTHS = (0.1, 0.1, 0.1, 0.1, 5.0, 9.0)
"""Seconds up to which sentences are joined, drawn from."""
LONGEST = 12.0
"""Seconds of a clip at most."""
PAUSES = 0.8
"""Seconds between sentences, and before the first and behind the last, at most."""
FOREIGN, EXCHANGED = 0.08, 0.12
"""Shares of clips whose text is another's, and in which a part of the words is."""


@dataclass(frozen=True)
class Clip:
    """A clip as the model is shown it."""

    mel: torch.Tensor
    """[2 T, bands] scaled log-mel frames, float16."""
    frames: torch.Tensor
    """[T, width] encoder states, float16."""
    looks: torch.Tensor
    """[W, rows, WINDOW] where the decoder looked around each word, float16."""
    firsts: torch.Tensor
    """[W] states at which these windows begin."""
    words: torch.Tensor
    """[W, width] what it makes of each word, float16."""
    times: torch.Tensor
    """[W, 2] seconds at which they begin and end; of words that are not said, negative."""


class Clips:
    """Draws clips by their number.

    Args:
        sentences: with exact times.
        reader: Whisper's.
        data: the data folder; its noises and rooms are used.
    """

    def __init__(self, sentences: Sequence[Sentence], reader: TextReader, data: Path) -> None:
        self.reader, self.augment = reader, Augment(data)
        self.by_voice: dict[str, list[Sentence]] = {}
        for each in sentences:
            self.by_voice.setdefault(each.voice, []).append(each)
        self.vocabulary = sorted({spoken(w) for each in sentences for w in each.words} - {""})

    def clip(self, number: int, seed: int) -> Clip:
        """The clip of a number."""
        rng = np.random.default_rng([seed, number])
        pcm, words, times = self.sound(rng)
        speed = float(rng.uniform(0.88, 1.12))
        pcm, times = self._changed(resample(pcm, speed), rng), times / speed
        words, said = self._misread(words, rng)
        return shown(self.reader.read(pcm, words), np.where(said[:, None], times, -1.0))

    def sound(self, rng: np.random.Generator) -> tuple[Sound, list[str], NDArray[np.float64]]:
        """Sentences of a voice one after another, their words and the times of these."""
        voice = self.by_voice[str(rng.choice(sorted(self.by_voice)))]
        limit = float(rng.choice(LENGTHS))
        sounds, words, times = [quiet(rng)], list[str](), list[NDArray[np.float64]]()
        length = len(sounds[0])
        while length < limit * SAMPLE_RATE or not words:
            said = voice[int(rng.integers(len(voice)))]
            if words and length + len(said.pcm) > LONGEST * SAMPLE_RATE:
                break
            bare = [spoken(word) for word in said.words]
            kept = [i for i, word in enumerate(bare) if word]
            words += [bare[i] for i in kept]
            times.append(said.times[kept] + length / SAMPLE_RATE)
            sounds += [said.pcm, quiet(rng)]
            length += len(said.pcm) + len(sounds[-1])
        return np.concatenate(sounds), words, np.concatenate(times)

    def _misread(
        self, words: list[str], rng: np.random.Generator
    ) -> tuple[list[str], NDArray[np.bool_]]:
        """The words as the text has them, and which of them are said."""
        drawn, chance = list(words), float(rng.random())
        if chance < FOREIGN:
            wrong = np.ones(len(words), bool)
        elif chance < FOREIGN + EXCHANGED:
            wrong = rng.random(len(words)) < 0.3
        else:
            wrong = np.zeros(len(words), bool)
        for i in np.flatnonzero(wrong):
            drawn[i] = self.vocabulary[int(rng.integers(len(self.vocabulary)))]
        same = np.array([a.lower() == b.lower() for a, b in zip(drawn, words, strict=True)])
        return drawn, same

    def _changed(self, pcm: Sound, rng: np.random.Generator) -> Sound:
        """A sound in a room, with noise, at a level; nothing moves in time."""
        rooms, noises = self.augment.rooms, self.augment.noises
        if rooms and rng.random() < 0.3:
            pcm = self.augment.room(pcm, rooms[int(rng.integers(len(rooms)))])
        if noises and rng.random() < 0.5:
            noise = noises[int(rng.integers(len(noises)))]
            pcm = self.augment.mix(pcm, noise, float(rng.uniform(-2, 25)), rng)
        loudest = float(np.abs(pcm).max()) or 1.0
        return np.asarray(pcm * (10 ** float(rng.uniform(-1.3, 0)) / loudest), np.float32)


def quiet(rng: np.random.Generator) -> Sound:
    """A pause."""
    return np.zeros(int(rng.uniform(0, PAUSES) * SAMPLE_RATE), np.float32)


def shown(reading: Reading, times: NDArray[np.float64]) -> Clip:
    """A reading with the times [W, 2] of its words as a clip."""
    firsts, looks = word_windows(reading)
    return Clip(
        reading.mel.half(), reading.frames.half(), looks.half(), firsts,
        word_states(reading).half(), torch.from_numpy(times).float(),
    )  # fmt: skip


def make(clips: Clips, out: Path, count: int, *, minutes: float, seed: int) -> bool:
    """Write the clips that `out` does not have yet; True if all are there."""
    return numbered_files.write(
        out, count, lambda number: vars(clips.clip(number, seed)), minutes=minutes, kind="clip"
    )


def read(folder: Path) -> list[Clip]:
    """The clips of a folder, in order."""
    paths = tqdm(numbered_files.files(folder), "reading clips")
    return [Clip(**torch.load(path, weights_only=True)) for path in paths]
