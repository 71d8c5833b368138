"""Training scenes with and without the stop word, mixed from recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.runtime.frames import FRAME, RATE
from antiphon.training.corpora.hearing.augmentation import Augment, resample

Sound = NDArray[np.float32]

WORD = "stop"
COMMANDS = "speech_commands_test"
COLLECTIONS = ("speechocean762", "librispeech_subset", "kathleen", "picovoice_speech_to_intent")
SCENE_SAMPLES = 3 * RATE
"""Samples per scene."""
MAX_DELAY = 240 * RATE // 1000
"""Samples after the end of the word within which it must be detected (240 ms)."""


@dataclass(frozen=True)
class Material:
    """Recordings of one split at 16 kHz."""

    words: list[Sound]
    """Recordings of the stop word, one second each."""
    others: list[Sound]
    """Other speech."""

    @classmethod
    def read(cls, data: Path, split: str, limit: int | None = None) -> Material:
        """Read the collections of `data`; a speaker is in one split only.

        Raises:
            UserError: a collection is missing.
        """
        words, others = list[Sound](), list[Sound]()
        for part in (COMMANDS, *COLLECTIONS):
            folder = data / "speech" / part
            if not (folder / "manifest.jsonl").is_file():
                raise UserError(f"There is no {folder}: give the data folder of docs/data.md.")
            lines = (folder / "manifest.jsonl").read_text("utf-8").splitlines()
            rows = [row for row in map(json.loads, lines) if row["split"] == split][:limit]
            for row in tqdm(rows, desc=part, unit="clip", leave=False):
                if part != COMMANDS and WORD in row.get("text", "").lower():
                    continue
                pcm = audio_file.read(folder / row["audio"])
                (words if row.get("label") == WORD else others).append(pcm)
        return cls(words, others)


def ending(word: Sound) -> int:
    """Sample at which a recording falls 25 dB below its loudest frame for good."""
    frames = word[: len(word) // FRAME * FRAME].reshape(-1, FRAME)
    power = frames.var(axis=1)
    return (int(np.flatnonzero(power > power.max() / 300)[-1]) + 1) * FRAME


def spoken(texts: Sequence[str], piper: Path | None) -> Iterator[Sound]:
    """Speak each text with each synthetic training voice."""
    from antiphon.training.corpora.hearing.synthetic_voices import training_voices

    voices = {voice.name: voice for voice in training_voices(piper)}
    for text in texts:
        for voice in tqdm(voices.values(), desc=text[:20], unit="voice", leave=False):
            yield voice.speak(text)


class Scenes:
    """Three-second scenes with and without the word.

    Args:
        material: recordings to mix.
        augment: its rooms and noises are used.
        seed: of all random choices.
    """

    def __init__(self, material: Material, augment: Augment, seed: int) -> None:
        self.material, self.augment = material, augment
        self.rng = np.random.default_rng(seed)

    def other(self) -> Sound:
        """Random other speech [SIZE], cut at a random point."""
        sound = np.zeros(0, np.float32)
        while len(sound) < SCENE_SAMPLES:
            clip = self.material.others[self.rng.integers(len(self.material.others))]
            gap = np.zeros(int(self.rng.uniform(0.05, 0.6) * RATE), np.float32)
            sound = np.concatenate([sound, unit(clip), gap])
        start = int(self.rng.integers(len(sound) - SCENE_SAMPLES + 1))
        return sound[start : start + SCENE_SAMPLES]

    def positive(self) -> tuple[Sound, int]:
        """A scene [SIZE] with the word, and the sample at which the word ends."""
        word = unit(self.material.words[self.rng.integers(len(self.material.words))])
        word = resample(word, float(self.rng.uniform(0.85, 1.15)))
        end = ending(word)  # keep the background noise after it
        at = int(self.rng.integers(RATE // 10, SCENE_SAMPLES - end - MAX_DELAY - FRAME))
        word = word[: SCENE_SAMPLES - at]
        scene = np.zeros(SCENE_SAMPLES, np.float32)
        kind = self.rng.random()
        if kind < 0.4:  # other speech during the whole scene
            scene += self.other() * np.float32(10 ** self.rng.uniform(-1.5, -0.2))
        elif kind < 0.6:  # other speech before the word
            before = max(0, at - int(self.rng.uniform(0.1, 0.5) * RATE))
            scene[:before] = self.other()[:before]
        scene[at : at + len(word)] += word
        return self.somewhere(scene), at + end

    def negative(self) -> Sound:
        """A scene [SIZE] of other speech, or of noise only."""
        speech = self.rng.random() < 0.85
        return self.somewhere(self.other() if speech else np.zeros(SCENE_SAMPLES, np.float32))

    def somewhere(self, scene: Sound) -> Sound:
        """Add a random room, noise and level to a scene."""
        if self.augment.rooms and self.rng.random() < 0.4:
            room = self.augment.rooms[self.rng.integers(len(self.augment.rooms))]
            scene = self.augment.room(scene, room)
        if self.augment.noises and self.rng.random() < 0.6:
            noise = self.augment.noises[self.rng.integers(len(self.augment.noises))]
            decibel = float(self.rng.uniform(0, 30))
            loud = scene if scene.any() else np.full(SCENE_SAMPLES, 0.05, np.float32)
            scene = scene + self.augment.mix(loud, noise, decibel, self.rng) - loud
        hiss = self.rng.normal(size=SCENE_SAMPLES) * 10 ** self.rng.uniform(-5, -3)
        return np.clip((scene + hiss) * 10 ** self.rng.uniform(-1.2, 0.3), -1, 1).astype(np.float32)


def unit(pcm: Sound) -> Sound:
    """Scale the clip to a peak of 0.5."""
    return np.asarray(pcm * (0.5 / (np.abs(pcm).max() + 1e-6)), np.float32)
