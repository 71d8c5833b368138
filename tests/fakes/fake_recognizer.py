"""A recognizer that hears how loud it is, and a model that takes what is loud for speech."""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.segmentation import Segmenter
from antiphon.recognition.transcript import Options, Segment, Transcript, Word

RATE = 16_000
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


class LoudSilero:
    """Takes what is loud for speech."""

    def start(self):
        return None

    def step(self, pcm, state):
        return float(np.abs(pcm).max() > 0.1), state


class LevelRecognizer:
    """Says a word for each tenth of a second of sound: its level, as a digit."""

    name, languages, longest = "level", ("en", "de"), 20 * RATE

    def __init__(self) -> None:
        self.asked: list[Options | None] = []

    def start(self, options=None):
        self.asked.append(options)
        return np.zeros(0, np.float32)

    def feed(self, pcm, state):
        return np.concatenate([state, pcm])

    def finish(self, state):
        step = RATE // 10
        tenths = np.abs(state[: len(state) // step * step]).reshape(-1, step).max(1)
        words = tuple(
            Word(NUMBERS[int(level * 10)], at * step, (at + 1) * step, 0.9)
            for at, level in enumerate(tenths)
            if level > 0.1
        )
        text = " ".join(word.text for word in words)
        segment = Segment(text, 0, len(state), words, "en", 0.9)
        return Transcript(text, None, None if text else "no speech", "en", 1.0, (segment,))


def long_audio() -> LongAudio:
    """The recognizer for recordings of any length."""
    silero: Any = LoudSilero()
    return LongAudio(LevelRecognizer(), Segmenter(LevelRecognizer.longest, silero))


def sound(*parts: tuple[float, float]) -> np.ndarray:
    """Seconds and level, one after another, as a tone."""
    pieces = [level * np.ones(round(seconds * RATE)) for seconds, level in parts]
    whole = np.concatenate(pieces)
    return (whole * np.cos(np.pi * np.arange(len(whole)))).astype(np.float32)
