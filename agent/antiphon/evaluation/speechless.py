"""Sounds in which nobody speaks: recorded noises, in rooms too, and generated ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon import audio_file, datasets
from antiphon.evaluation.turn_scenes import convolve

Sound = NDArray[np.float32]
RATE = 16_000
SECONDS = 5.0
"""Of a generated sound."""
CUTS = 5
"""Cuts of each recorded noise."""
MELODIES = 40
MAJOR = (0, 2, 4, 5, 7, 9, 11, 12)
"""Semitones of a scale."""


def sounds(data: Path, seed: int = 0) -> Iterator[tuple[str, Sound]]:
    """Kinds and sounds [N] at 16 kHz, over three hundred.

    Args:
        data: the data folder, with `noise` and `rir`.
        seed: of cuts, levels and melodies.

    Raises:
        UserError: a collection is not there.
    """
    rng = np.random.default_rng(seed)
    noises = [audio_file.read(row["audio"]) for row in datasets.clips(data / "noise")]
    rooms = [
        audio_file.read(row["audio"])
        for row in datasets.clips(data / "rir")
        if row["dur"] > audio_file.MIN_SECONDS
    ]
    for noise in noises:
        yield from (("noise", level(cut(noise, rng), rng)) for _ in range(CUTS))
    for _ in range(80):
        noise, room = noises[rng.integers(len(noises))], rooms[rng.integers(len(rooms))]
        yield "noise in a room", level(convolve(cut(noise, rng), room), rng)
    for room in rooms[:: max(1, len(rooms) // 25)]:
        yield "clap", level(np.pad(room, RATE // 2), rng)
    yield from generated(rng)


def generated(rng: np.random.Generator) -> Iterator[tuple[str, Sound]]:
    """Silence, noise, hum, tones, clicks and melodies."""
    time = np.arange(int(SECONDS * RATE)) / RATE
    yield "silence", np.zeros(len(time), np.float32)
    for slope in (0.0, 0.5, 1.0):
        spectrum = np.fft.rfft(rng.normal(size=len(time)))
        coloured = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** slope)
        yield from (("hiss", at_level(coloured, db)) for db in (-70, -50, -30, -10))
    for hertz in (50, 60, 100, 120):
        hum = harmonics(hertz, time, 12)
        yield from (("hum", at_level(hum, db)) for db in (-50, -30, -15))
    for hertz in (110, 220, 440, 880, 1760, 3520):
        tone = np.sin(2 * np.pi * hertz * time)
        yield "tone", level(tone, rng)
        yield "beeps", level(tone * (time * 2 % 1 < 0.5), rng)
        yield "warble", level(np.sin(2 * np.pi * hertz * time + 8 * np.sin(30 * time)), rng)
        yield "sweep", level(np.sin(2 * np.pi * hertz * time * (1 + time / SECONDS)), rng)
    for rate in (1, 4, 12):
        yield "clicks", at_level((np.arange(len(time)) % (RATE // rate) == 0).astype(float), -40)
    yield from (("melody", level(melody(len(time), rng), rng)) for _ in range(MELODIES))


def melody(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Notes of a major scale [size], every second one a chord, plucked or blown."""
    sound = np.zeros(size)
    step, root = int(rng.uniform(0.15, 0.4) * RATE), rng.choice([110, 165, 220, 330])
    attack, decay = rng.choice([20, 200]), rng.uniform(1, 6)
    for number, start in enumerate(range(0, size, step)):
        time = np.arange(min(2 * step, size - start)) / RATE
        shape = np.minimum(1, time * attack) * np.exp(-decay * time)
        hertz = root * 2 ** (rng.choice(MAJOR) / 12)
        for interval in (0, 4, 7) if number % 2 else (0,):
            sound[start : start + len(time)] += shape * harmonics(
                hertz * 2 ** (interval / 12), time, 8
            )
    return sound


def harmonics(hertz: float, time: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """A tone [N] with its harmonics."""
    return np.asarray(sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, count)))


def cut(noise: Sound, rng: np.random.Generator) -> Sound:
    """Two to eight seconds of a noise, or all of it."""
    size = min(len(noise), int(rng.uniform(2, 8) * RATE))
    start = int(rng.integers(len(noise) - size + 1))
    return noise[start : start + size]


def level(sound: NDArray[np.floating], rng: np.random.Generator) -> Sound:
    """The sound at a level between -45 and -12 dBFS."""
    return at_level(sound, float(rng.uniform(-45, -12)))


def at_level(sound: NDArray[np.floating], db: float) -> Sound:
    """The sound at a level in dBFS, clipped."""
    loudness = float(np.sqrt(np.square(sound).mean())) + 1e-9
    return np.clip(sound * (10 ** (db / 20) / loudness), -1, 1).astype(np.float32)
