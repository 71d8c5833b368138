"""What a robot makes of its microphone before anything leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from antiphon.runtime.frames import FRAME, RATE, Frame
from antiphon.runtime.turns.frame_analysis import PlaybackReference

if TYPE_CHECKING:
    from antiphon.runtime.echo.canceller import EchoCanceller
    from antiphon.runtime.turns.stop_word import StopWord

MAX_ECHO_SHARE = 0.5
"""Share of the robot's own voice from which a frame does not count as the user's."""
DEAF_FRAMES = 15
"""Frames after it has spoken in which its echo may still be heard."""


@dataclass
class MicrophoneProcessor:
    """How a robot hears others while it speaks itself."""

    canceller: EchoCanceller | None = None
    """Removes its own voice; None: it cannot be heard, or the robot is deaf meanwhile."""
    half: bool = False
    """Deaf while it speaks."""
    stop_word: StopWord | None = None
    """Spots "stop" without the network."""

    def __post_init__(self) -> None:
        """Nothing has been played yet."""
        self._echo_frames = 0
        self._reference: PlaybackReference | None = None

    def hears_stop(self, mic: Frame) -> bool:
        """Whether "stop" was said, whatever else is going on."""
        return self.stop_word is not None and self.stop_word.step(mic)

    def step(self, mic: Frame, out: Frame, *, sounding: bool) -> Frame:
        """The microphone without the robot itself.

        Args:
            mic: [320] at 16 kHz.
            out: [20 ms] that were played meanwhile, at the voice's rate.
            sounding: whether that is part of a reply.
        """
        self._echo_frames = DEAF_FRAMES if sounding else max(0, self._echo_frames - 1)
        if self.half:
            return np.zeros_like(mic) if self._echo_frames else mic
        if self.canceller is None:
            return mic
        if self._reference is None:
            self._reference = PlaybackReference(len(out) * RATE // FRAME)
        self._reference.push(out)
        echo = self.canceller.step(mic, self._reference.next())
        return np.zeros_like(mic) if echo.own > MAX_ECHO_SHARE and self._echo_frames else echo.clean
