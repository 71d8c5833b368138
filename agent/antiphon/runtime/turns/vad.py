"""Voice activity detection: is there speech in this frame?

Two cheap checks come first, the energy above the noise floor and webrtcvad. Only what passes both
wakes Silero, whose word counts; so silence costs next to nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from antiphon.runtime.frames import FRAME, FRAME_MS, RATE, Frame, level_db
from antiphon.silero import WINDOW, Silero

PRE_ROLL = 500 // FRAME_MS
"""Frames to keep from before speech was noticed, so that no first syllable is lost."""
QUIETEST_DB = -70.0
"""Level in dBFS below which nothing is speech to a microphone."""
ABOVE_FLOOR_DB = 3.0
"""How far above the noise floor a frame must be to be analysed."""
FLOOR_RISES_DB = 0.04
"""Rise of the noise floor per frame (2 dB a second); it falls at once."""
ON, OFF = 0.5, 0.35
"""Probabilities at which speech begins and ends."""
AWAKE_FRAMES = 800 // FRAME_MS
"""Frames that Silero listens on after the last promising one."""
WARM_UP_WINDOWS = 10
"""Windows of the past (320 ms) that Silero hears first when it is woken."""


@dataclass(frozen=True)
class Activity:
    """What one frame holds."""

    speech: bool
    """Whether there is speech."""
    probability: float
    """Silero's probability of speech, 0 while it sleeps."""
    level_db: float
    """Level of the frame in dBFS, without its direct current."""


class VoiceActivity:
    """Voice activity of one microphone, frame by frame.

    Args:
        silero: confirms; none takes the catalogue's.

    Raises:
        UserError: Silero is neither cached nor to be fetched.
    """

    def __init__(self, silero: Silero | None = None) -> None:
        self._silero = silero or Silero()
        self.reset()

    def reset(self) -> None:
        """Forgets all it has heard."""
        import webrtcvad

        self._gate = webrtcvad.Vad(1)
        self._state = self._silero.start()
        self._past: deque[Frame] = deque(maxlen=-(-WARM_UP_WINDOWS * WINDOW // FRAME))
        self._rest = np.zeros(0, np.float32)
        self._floor: float | None = None
        self._awake = 0
        self._probability = 0.0
        self._speech = False

    def step(self, frame: Frame) -> Activity:
        """Judges the next `frame` [320]."""
        level = level_db(frame)
        promising = self._promising(frame, level)
        if promising and not self._awake:
            self._wake()
        self._past.append(frame)
        if self._awake:
            self._listen(frame)
            lively = promising or self._probability > OFF
            self._awake = AWAKE_FRAMES if lively else self._awake - 1
            if not self._awake:
                self._probability = 0.0
        self._speech = self._probability > (OFF if self._speech else ON)
        return Activity(self._speech, self._probability, level)

    def _promising(self, frame: Frame, level: float) -> bool:
        floor = level if self._floor is None else min(level, self._floor + FLOOR_RISES_DB)
        self._floor = max(floor, QUIETEST_DB)
        if level < self._floor + ABOVE_FLOOR_DB:
            return False
        pcm = (np.clip(frame, -1, 1) * 32767).astype("<i2").tobytes()
        return bool(self._gate.is_speech(pcm, RATE))

    def _wake(self) -> None:
        self._state, self._awake = self._silero.start(), AWAKE_FRAMES
        self._rest = np.zeros(0, np.float32)
        for frame in self._past:
            self._listen(frame)

    def _listen(self, frame: Frame) -> None:
        self._rest = np.concatenate([self._rest, frame])
        while len(self._rest) >= WINDOW:
            window, self._rest = self._rest[:WINDOW], self._rest[WINDOW:]
            self._probability, self._state = self._silero.step(window, self._state)
