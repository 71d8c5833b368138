"""The robot's voice gate: nothing is sent while there is no speech."""

from __future__ import annotations

from collections import deque

import numpy as np

from antiphon.runtime.frames import FRAME_MS, RATE, Frame, level_db

PRE_ROLL = 500 // FRAME_MS
"""Frames sent from before speech was noticed, so that no first syllable is lost."""
OPENING_FRAMES = 4
"""Frames of speech among the last eight that open the gate."""
HANG_OVER_FRAMES = 1000 // FRAME_MS
"""Frames without speech that close it, if the agent is idle."""
QUIETEST_DB = -60.0
"""Level in dBFS below which nothing is speech to a robot."""
ABOVE_FLOOR_DB = 6.0
"""How far speech is above the noise floor."""
FLOOR_RISES_DB = 0.04
"""Rise of the noise floor per frame (2 dB a second); it falls at once."""


class VoiceGate:
    """Lets sound through during speech, and while the agent listens or talks.

    It errs on the side of opening: the server decides what speech is.
    """

    def __init__(self) -> None:
        import webrtcvad

        self._vad = webrtcvad.Vad(2)
        self._past: deque[Frame] = deque(maxlen=PRE_ROLL)
        self._voiced: deque[bool] = deque(maxlen=8)
        self._floor = QUIETEST_DB
        self._quiet = HANG_OVER_FRAMES
        self.open = False

    @property
    def speech(self) -> bool:
        """Whether there seems to be speech now."""
        return sum(self._voiced) >= OPENING_FRAMES

    def step(self, frame: Frame, *, hold: bool) -> list[Frame]:
        """Takes a frame [320] and gives what is to be sent.

        Args:
            frame: of the microphone.
            hold: the agent is not idle, so the gate stays open if it is.
        """
        self._voiced.append(self._is_voice(frame))
        self._quiet = 0 if self.speech else self._quiet + 1
        if self.open:
            self.open = hold or self._quiet < HANG_OVER_FRAMES
        elif self.speech or hold:
            self.open = True
            started = [*self._past, frame] if self.speech else [frame]
            self._past.clear()
            return started
        if self.open:
            return [frame]
        self._past.append(frame)
        return []

    def _is_voice(self, frame: Frame) -> bool:
        level = level_db(frame)
        self._floor = max(min(level, self._floor + FLOOR_RISES_DB), QUIETEST_DB)
        if level < self._floor + ABOVE_FLOOR_DB:
            return False
        pcm = (np.clip(frame, -1, 1) * 32767).astype("<i2").tobytes()
        return bool(self._vad.is_speech(pcm, RATE))
