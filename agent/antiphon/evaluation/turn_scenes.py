"""Scenes for turn taking, made of recordings: pauses, rooms, noises, echoes, interruptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.runtime.frames import FRAME, RATE

Sound = NDArray[np.float32]

COLLECTIONS = ("librispeech_subset", "speechocean762", "kathleen")
CUT_OFF_SECONDS = 14.9
"""Seconds from which a clip of these collections has been cut off, so that it ends anywhere."""
MIN_SPEECH_LEVEL = 0.03
"""Share of a clip's loudest frame below which there is no speech: -30 dB."""
ROOMS = ("60 ms", "200 ms", "nonlinear", "loud")
"""Echo rooms: reverberation of 60 and 200 ms, a loudspeaker that distorts, one that is too loud."""
WORDS = ("yes", "right", "on", "no", "off")
"""One-second commands that stand for short backchannels."""


@dataclass(frozen=True)
class Scene:
    """A recording whose truth is known."""

    pcm: Sound
    """[N] the microphone."""
    start: int
    """Sample at which the speech begins."""
    end: int
    """Sample at which the turn ends."""
    pauses: list[tuple[int, int]] = field(default_factory=list)
    """First and last sample of the pauses that were put in."""


@dataclass
class Material:
    """Speech, noises and rooms of one split, 16 kHz."""

    speech: list[Sound]
    words: list[Sound]
    noises: list[Sound]
    rooms: list[Sound]

    @classmethod
    def read(cls, data: Path, split: str, limit: int, rng: np.random.Generator) -> Material:
        """Draws `limit` clips of each collection under `data`.

        Raises:
            UserError: a collection is not there.
        """
        speech = [
            trim(audio_file.read(path))
            for part in COLLECTIONS
            for path in draw(clips(data / "speech" / part, split), limit, rng)
        ]
        commands = clips(data / "speech" / "speech_commands_test", split, WORDS)
        words = [trim(audio_file.read(path)) for path in draw(commands, limit, rng)]
        # Every second noise and room is for tuning, the others for reporting.
        odd = int(split == "dev")
        noises = [audio_file.read(path) for path in list(clips(data / "noise", ""))[odd::2]]
        rooms = [audio_file.read(path) for path in list(clips(data / "rir", ""))[odd::2]]
        return cls(speech, words, noises, rooms)


def clips(folder: Path, split: str, labels: tuple[str, ...] = ()) -> list[Path]:
    """Sound files of a collection; those of `split` and `labels` if given.

    Raises:
        UserError: it is not there.
    """
    return [path for path, _ in rows(folder, split, labels)]


def rows(
    folder: Path, split: str, labels: tuple[str, ...] = ()
) -> list[tuple[Path, dict[str, Any]]]:
    """The same with what the manifest says of them.

    Raises:
        UserError: the collection is not there.
    """
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        raise UserError(
            f"There is no {manifest}: give the data folder of docs/data.md with --data."
        )
    lines = map(json.loads, manifest.read_text("utf-8").splitlines())
    return [
        (folder / row["audio"], row)
        for row in lines
        if (not split or row["split"] == split)
        and (not labels or row["label"] in labels)
        and (not split or bool(labels) or 1.5 < row["seconds"] < CUT_OFF_SECONDS)
        and row.get("dur", 1) > audio_file.MIN_SECONDS  # a room without walls
    ]


def draw(paths: list[Path], limit: int, rng: np.random.Generator) -> list[Path]:
    """So many of them, in any order."""
    return [paths[i] for i in rng.permutation(len(paths))[:limit]]


def frame_levels(pcm: Sound) -> NDArray[np.float32]:
    """[T] standard deviation of every 20 ms."""
    return np.asarray(pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME).std(axis=1))


def trim(pcm: Sound) -> Sound:
    """The clip from first to last sound, 30 dB below its loudest frame, at a peak of 0.3."""
    level = frame_levels(pcm)
    loud = np.flatnonzero(level > level.max() * MIN_SPEECH_LEVEL)
    cut = pcm[loud[0] * FRAME : (loud[-1] + 1) * FRAME]
    return np.asarray(cut * (0.3 / np.abs(cut).max()), np.float32)


def from_onset(pcm: Sound) -> Sound:
    """The clip from where the speech begins: 7 of 10 frames (0.2 s) within 20 dB of its loudest.

    Breath, clicks and knocks before it are no speech.
    """
    level = frame_levels(pcm)
    near = level > 0.1 * level.max()
    loud = near & (np.convolve(near, np.ones(10), "full")[9:] >= 7)
    return pcm[int(loud.argmax()) * FRAME :]


def pairs(
    data: Path, split: str, limit: int, rng: np.random.Generator
) -> list[tuple[Sound, Sound]]:
    """Two clips of one speaker each, at most four and three seconds; speakers of all collections.

    Raises:
        UserError: a collection is not there.
    """
    found = []
    for i in range(limit):
        folder = data / "speech" / COLLECTIONS[i % len(COLLECTIONS)]
        speakers: dict[str, list[Path]] = {}
        for path, row in rows(folder, split):
            speakers.setdefault(row["speaker"], []).append(path)
        several = [paths for paths in speakers.values() if len(paths) > 1]
        first, second = draw(several[int(rng.integers(len(several)))], 2, rng)
        found.append(
            (trim(audio_file.read(first))[: 4 * RATE], trim(audio_file.read(second))[: 3 * RATE])
        )
    return found


def interrupted(pcm: Sound, rng: np.random.Generator) -> tuple[Sound, list[tuple[int, int]]]:
    """A sentence with a pause of 0.3 to 1 s at its quietest place in the middle.

    If the speaker paused there already, that pause is made as long as the one that is wanted, so
    that no pause is longer than a second.
    """
    level = frame_levels(pcm)
    quiet = level < level.max() * MIN_SPEECH_LEVEL
    low, high = len(level) // 4, max(len(level) * 17 // 20, len(level) // 4 + 1)
    at = low + int(np.convolve(level, np.ones(3) / 3, "same")[low:high].argmin())
    first = last = at
    while quiet[at] and first > 0 and quiet[first - 1]:
        first -= 1
    while quiet[at] and last + 1 < len(quiet) and quiet[last + 1]:
        last += 1
    start, there = first * FRAME, (last + 1 - first) * FRAME
    wanted = int(rng.uniform(0.3, 1.0) * RATE)
    kept = min(there, wanted) // 2
    fade = np.linspace(1, 0, FRAME // 2, dtype=np.float32)
    before, after = pcm[: start + kept].copy(), pcm[start + there - kept :].copy()
    before[-len(fade) :] *= fade
    after[: len(fade)] *= fade[::-1]
    pause = np.zeros(wanted - 2 * kept, np.float32)
    return np.concatenate([before, pause, after]), [(start, start + wanted)]


def somewhere(
    pcm: Sound, material: Material, rng: np.random.Generator, decibel: float | None, room: bool
) -> Sound:
    """`pcm` in a room and above a noise by `decibel`; none leaves a hiss at -70 dBFS."""
    loudness = float(np.sqrt(np.square(pcm[pcm != 0]).mean()))
    if room:
        response = material.rooms[rng.integers(len(material.rooms))]
        response = response[np.abs(response).argmax() :]
        pcm = convolve(pcm, response / np.abs(response).max())
    hiss = rng.normal(size=len(pcm)) * 10 ** (-70 / 20)
    if decibel is None:
        return np.asarray(pcm + hiss, np.float32)
    noise = material.noises[rng.integers(len(material.noises))]
    return np.asarray(pcm + hiss + stretch(noise, len(pcm), rng, loudness, -decibel), np.float32)


def stretch(
    noise: Sound, size: int, rng: np.random.Generator, loudness: float, decibel: float
) -> Sound:
    """A random cut [size] of a noise, repeated as needed, `decibel` above a loudness (rms)."""
    start = int(rng.integers(len(noise)))
    cut = np.take(noise, np.arange(start, start + size), mode="wrap")
    rms = float(np.sqrt(np.square(cut).mean())) + 1e-9
    return np.asarray(cut * (loudness / rms * 10 ** (decibel / 20)), np.float32)


def convolve(pcm: Sound, response: Sound) -> Sound:
    """[N] `pcm` heard through a response."""
    size = len(pcm) + len(response)
    wet = np.fft.irfft(np.fft.rfft(pcm, size) * np.fft.rfft(response, size), size)
    return np.asarray(wet[: len(pcm)], np.float32)


def echo(reference: Sound, room: str, rng: np.random.Generator, delay: float = 0.12) -> Sound:
    """What the microphone hears of `reference` [N] in one of `ROOMS`, `delay` seconds late."""
    seconds = 0.2 if room == "200 ms" else 0.06
    time = np.arange(int(seconds * 1.2 * RATE)) / RATE
    response = (rng.normal(size=len(time)) * np.exp(-6.9 * time / seconds)).astype(np.float32)
    response[0] = 3
    gain = (1.5 if room == "loud" else 0.3) / float(np.sqrt(np.square(response).sum()))
    played = np.tanh(4 * reference) / 4 * 1.5 if room == "nonlinear" else reference
    late = np.zeros(len(reference), np.float32)
    late[int(delay * RATE) :] = played[: len(reference) - int(delay * RATE)]
    return np.clip(convolve(late, response * gain), -1, 1)


def cough(rng: np.random.Generator) -> Sound:
    """One or two bursts of shaped noise with a sharp start, as a cough has."""
    bursts = []
    for _ in range(int(rng.integers(1, 3))):
        time = np.arange(int(rng.uniform(0.15, 0.35) * RATE)) / RATE
        envelope = np.minimum(time / 0.01, 1) * np.exp(-time / rng.uniform(0.05, 0.1))
        hiss = np.convolve(rng.normal(size=len(time)), np.ones(4) / 4, "same")
        bursts += [hiss * envelope, np.zeros(int(rng.uniform(0.05, 0.2) * RATE))]
    sound = np.concatenate(bursts)
    return np.asarray(sound * (0.3 / np.abs(sound).max()), np.float32)


def typing(seconds: float, rng: np.random.Generator) -> Sound:
    """Key presses: short clicks, four to nine a second."""
    sound = np.zeros(int(seconds * RATE), np.float32)
    at = 0.0
    while (at := at + rng.uniform(0.08, 0.25)) < seconds - 0.05:
        time = np.arange(int(0.03 * RATE)) / RATE
        click = rng.normal(size=len(time)) * np.exp(-time / 0.006) * rng.uniform(0.3, 1)
        sound[int(at * RATE) :][: len(click)] += click.astype(np.float32)
    return np.asarray(sound * (0.2 / np.abs(sound).max()), np.float32)


def frames(pcm: Sound) -> Iterator[Sound]:
    """The whole frames [320] of `pcm`."""
    return iter(pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME))
