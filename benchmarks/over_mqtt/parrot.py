"""Who talks over the broker: a parrot for a conversation, and a mouth with a watch for a device."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.simulated_device import Simulated
from antiphon.runtime.frames import FRAME, Frame
from antiphon.runtime.options import Options

RATE, OUT = 22_050, 441
SILENT = 10
"""Frames of silence after which the parrot answers."""
SPOKEN, ANSWER = 25, 15
"""Frames of a question and of an answer."""


class Parrot:
    """Stands for a conversation: answers ten frames after the user has spoken, or talks on."""

    def __init__(self, *, endless: bool = False) -> None:
        self.options = Options()
        self.events: deque[Any] = deque()
        self.history: tuple[Any, ...] = ()
        self.muted, self.endless = False, endless
        self._left, self._quiet, self._asked = 0, 0, False
        self._unheard = self.position = 0

    @property
    def state(self) -> str:
        """What it does just now."""
        if self._left or self._unheard > 0:
            return "speaking"
        return "listening" if self._asked else "idle"

    def step(self, mic: Frame) -> NDArray[np.float32]:
        """A frame of its answer, or silence."""
        speech = float(np.abs(mic).max()) > 0.05
        self._quiet = 0 if speech else self._quiet + 1
        self._asked = self._asked or speech
        if self._asked and (self._quiet == SILENT or self.endless):
            self._asked = False
            self._left = 10**9 if self.endless else ANSWER
        self.position += OUT
        if not self._left:
            return np.zeros(OUT, np.float32)
        self._left -= 1
        self._unheard = self.position
        return np.full(OUT, 0.1, np.float32)

    def heard(self, samples: int, start: int | None = None) -> None:
        """So much was heard."""
        if samples >= self._unheard:
            self._unheard = 0

    def dropped(self) -> None:
        """The rest will not be heard."""
        self._unheard = 0

    def stop(self) -> None:
        """Be silent; who talks on without end takes a breath only."""
        self._left, self._unheard = 10**9 if self.endless else 0, 0

    def other(self, *_: object) -> None:
        """Whatever else is asked of a conversation."""

    say = mute = push_to_talk = reset = close = other


def buzz() -> Frame:
    """[320] of something every voice activity detector takes for speech."""
    t = np.arange(FRAME) / 16_000
    wave = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 20))
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


class EchoProbe(Simulated):
    """A device in real time that notes when the first sound of every answer is played."""

    def __init__(self, questions: bool) -> None:
        self.voice, self.silence = buzz(), np.zeros(FRAME, np.float32)
        self.questions = questions
        self.due: float | None = None
        self.waits: list[float] = []
        self.sounds = 0
        super().__init__(self._microphone(), RATE, speed=1.0)

    def _microphone(self) -> Iterator[Frame]:
        for index in itertools.count():
            pause = SILENT + 2 * ANSWER if self.questions else 5
            yield self.voice if index % (SPOKEN + pause) < SPOKEN else self.silence

    def __iter__(self) -> Iterator[Frame]:
        """Frames; when the one comes that is answered, the watch is started."""
        quiet = 0
        for frame in super().__iter__():
            quiet = 0 if frame.any() else quiet + 1
            if quiet == SILENT:
                self.due = time.perf_counter()
            yield frame

    def play(self, frame: Frame) -> None:
        """Plays."""
        super().play(frame)
        if frame.any():
            self.sounds += 1
            if self.due is not None:
                self.waits.append(time.perf_counter() - self.due)
                self.due = None
