"""Scenes of a conversation: a recorded user who waits, interrupts and makes noises.

The user reacts to what comes out of the speaker, as people do; everything that goes in and comes
out is kept as two recordings on one clock, and every measure is read off these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.simulated_device import Simulated
from antiphon.runtime.events import Event
from antiphon.runtime.frames import FRAME, RATE, Frame
from antiphon.runtime.session.loop import converse

Sound = NDArray[np.float32]
SILENT = 10 ** (-50 / 20)
"""Amplitude (-50 dBFS) below which the agent is silent."""
HUSH = RATE // 2
"""Samples of silence after which the agent has stopped."""
HISS = 10 ** (-65 / 20)
"""Amplitude of the room's noise."""
LATENCY_MS = 40
"""From handing a frame to the speaker to the listener's ear."""


class User:
    """Somebody in front of the microphone. A scene is what `act` does.

    Args:
        act: yields frames with the methods below.
        seed: of the room's noise.
        room: makes an echo of what the speaker plays; None: headphones.
    """

    def __init__(
        self,
        act: Callable[[User], Iterator[Frame]],
        seed: int,
        room: Callable[[Frame], Frame] | None = None,
    ) -> None:
        self._act, self._room = act, room
        self._chance = np.random.default_rng(seed)
        self._loud = self._quiet = 0
        self.at = 0
        """Samples so far."""
        self.marks: dict[str, int] = {}
        """When something began or ended."""

    def frames(self) -> Iterator[Frame]:
        """What the microphone records of the user and the room."""
        for frame in self._act(self):
            self.at += FRAME
            hiss = self._chance.normal(size=FRAME) * HISS
            yield (frame + hiss).astype(np.float32)

    def hear(self, frame: Frame) -> Frame:
        """Listen to the speaker [320]; returns what of it reaches the microphone."""
        loud = bool(np.abs(frame).max() > SILENT)
        self._loud = self._loud + 1 if loud else 0
        self._quiet = 0 if loud else self._quiet + 1
        return self._room(frame) if self._room else np.zeros(FRAME, np.float32)

    def silence(self, seconds: float) -> Iterator[Frame]:
        """Say nothing."""
        for _ in range(round(seconds * RATE / FRAME)):
            yield np.zeros(FRAME, np.float32)

    def say(self, pcm: Sound, name: str) -> Iterator[Frame]:
        """Say a clip [N]; its first and last sample are marked."""
        self.marks[f"{name} begins"] = self.at
        self.marks[f"{name} ends"] = self.at + len(pcm)
        padded = np.pad(pcm, (0, -len(pcm) % FRAME))
        yield from padded.reshape(-1, FRAME)

    def until_reply(self, most: float = 15.0) -> Iterator[Frame]:
        """Wait until the agent speaks."""
        yield from self._until(lambda: self._loud >= 2, most)

    def until_quiet(self, seconds: float = 1.5, most: float = 30.0) -> Iterator[Frame]:
        """Wait until the agent has been silent for so long."""
        yield from self._until(lambda: self._quiet * FRAME >= seconds * RATE, most)

    def _until(self, met: Callable[[], bool], most: float) -> Iterator[Frame]:
        for _ in range(round(most * RATE / FRAME)):
            if met():
                return
            yield np.zeros(FRAME, np.float32)


class Echo:
    """A room that brings the speaker's sound back into the microphone, 120 ms late.

    Args:
        room: one of `turn_scenes.ROOMS`.
        seed: of the room's response.
    """

    def __init__(self, room: str, seed: int) -> None:
        seconds = 0.2 if room == "200 ms" else 0.06
        time = np.arange(int(seconds * 1.2 * RATE)) / RATE
        response = np.random.default_rng(seed).normal(size=len(time))
        response *= np.exp(-6.9 * time / seconds)
        response[0] = 3
        gain = (1.5 if room == "loud" else 0.3) / np.sqrt(np.square(response).sum())
        self._response = (response * gain).astype(np.float32)
        self._late = np.zeros(int(0.12 * RATE) // FRAME * FRAME, np.float32)
        self._past = np.zeros(len(response) - 1, np.float32)
        self._distorts = room == "nonlinear"

    def __call__(self, frame: Frame) -> Frame:
        """What comes back [320] while a frame is heard."""
        played = np.tanh(4 * frame) / 4 * 1.5 if self._distorts else frame
        self._late = np.concatenate([self._late, played.astype(np.float32)])
        now, self._late = self._late[:FRAME], self._late[FRAME:]
        known = np.concatenate([self._past, now])
        self._past = known[FRAME:]
        back = np.convolve(known, self._response, "valid")
        return np.clip(back, -1, 1).astype(np.float32)


@dataclass
class Recorded:
    """A scene as it was recorded."""

    microphone: Sound
    """[N] at 16 kHz."""
    speaker: Sound
    """[N] at 16 kHz, what the listener heard, on the same clock."""
    marks: dict[str, int]
    """First and last samples of what the user said."""
    events: list[Event] = field(default_factory=list)
    """What the agent believes happened; measured against the recordings, never used for them."""

    def first_sound(self, after: int) -> int | None:
        """First sample of the agent at or after a sample."""
        found = np.flatnonzero(np.abs(self.speaker[after:]) > SILENT)
        return after + int(found[0]) if len(found) else None

    def silent_from(self, after: int) -> int | None:
        """First sample after which the agent is silent for half a second."""
        loud = np.flatnonzero(np.abs(self.speaker[after:]) > SILENT)
        if not len(loud):
            return after
        gaps = np.flatnonzero(np.diff(loud) > HUSH)
        last = int(loud[gaps[0]] if len(gaps) else loud[-1])
        return after + last + 1 if len(self.speaker) - after - last > HUSH else None

    def spoken(self, start: int = 0, stop: int | None = None) -> float:
        """Seconds in which the agent is not silent, by frames."""
        part = self.speaker[start:stop]
        frames = np.abs(part[: len(part) // FRAME * FRAME].reshape(-1, FRAME)).max(axis=1)
        return float((frames > SILENT).sum() * FRAME / RATE)


class Tap:
    """A conversation whose microphone is kept.

    Args:
        conversation: a `Conversation`, or what has its interface.
    """

    def __init__(self, conversation: Any) -> None:
        self._inner = conversation
        self.microphone: list[Frame] = []

    def step(self, mic: Frame) -> Frame:
        """Keep the frame and pass it on."""
        self.microphone.append(mic)
        out: Frame = self._inner.step(mic)
        return out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def play(conversation: Any, user: User, rate: int, speed: float | None) -> Recorded:
    """Let a scene happen.

    Args:
        conversation: a `Conversation`, or what has its interface.
        user: who talks with it.
        rate: samples a second of what the conversation plays.
        speed: times real time; None: as fast as possible.
    """
    events: list[Event] = []
    tap = Tap(conversation)
    duplex = Simulated(
        user.frames(), rate, speed=speed, latency_ms=LATENCY_MS, echo=user.hear, keep=True
    )
    converse(tap, duplex, watch=events.append)  # type: ignore[arg-type]
    return Recorded(np.concatenate(tap.microphone), duplex.listened, user.marks, events)
