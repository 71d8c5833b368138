"""Barge-in: whether a listener takes the floor while the agent speaks.

A burst of speech that is near, is not the agent's own and lasts a moment pauses the agent at once.
What follows decides: more speech stops it, silence lets it go on. So a cough never gets through
(it is no speech), and "uh-huh" is over before the decision.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np

from antiphon.runtime.echo import EchoFrame
from antiphon.runtime.frames import FRAME_MS
from antiphon.runtime.vad import Activity

Change = Literal["pause", "stop", "resume"]
"""pause: fade out, but keep what was to be said. stop: drop it. resume: go on."""

OWN = 0.85
"""Share of the agent's own sound from which a frame says nothing about others."""
LIKELY = 0.3
"""Probability of speech that counts here: AEC3 leaves nothing of the agent that comes near it."""
PAUSE = 200 // FRAME_MS
"""Frames of foreign speech that pause the agent."""
STOP = 700 // FRAME_MS
"""Frames of foreign speech that stop it; longer than "uh-huh" or "yes"."""
FORGIVEN = 260 // FRAME_MS
"""Frames without speech that end a burst; shorter ones lie inside of words."""
NEAR_DB = 12.0
"""How far below the listener's usual level speech still counts as theirs."""
PEAK = 160 // FRAME_MS
"""Frames whose loudest tells the level; single frames of a word may be soft."""
LOUDEST = 750
"""Frames of speech (15 s) that make up the usual level."""


class BargeIn:
    """Interruptions of one conversation, frame by frame."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=LOUDEST)
        self._usual: float | None = None
        self.reset()

    def reset(self) -> None:
        """Forgets the burst, not the listener's level."""
        self._burst = self._gap = 0
        self._paused = False
        self._peaks: deque[float] = deque(maxlen=PEAK)

    def step(self, activity: Activity, echo: EchoFrame, speaking: bool) -> Change | None:
        """Takes what the next frame holds.

        Args:
            activity: of the microphone without the agent.
            echo: of the same frame.
            speaking: whether the agent has the floor; it has while it is paused.
        """
        if not speaking:
            self.reset()
            self._learn(activity)
            return None
        self._peaks.append(echo.level_db)
        if activity.probability > LIKELY and echo.own < OWN and max(self._peaks) > self._nearest():
            self._burst, self._gap = self._burst + 1, 0
        else:
            self._gap += 1
        if self._gap > FORGIVEN:
            paused = self._paused
            self.reset()
            return "resume" if paused else None
        if self._burst >= STOP:
            self.reset()
            return "stop"
        if self._burst >= PAUSE and not self._paused:
            self._paused = True
            return "pause"
        return None

    def _learn(self, activity: Activity) -> None:
        if activity.speech:
            self._levels.append(activity.level_db)
            self._usual = None

    def _nearest(self) -> float:
        """Level in dBFS from which speech is near: measured against who has spoken so far."""
        if len(self._levels) < PAUSE:
            return -60.0
        if self._usual is None:
            self._usual = float(np.percentile(self._levels, 90))
        return self._usual - NEAR_DB
