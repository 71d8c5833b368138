"""Barge-in: whether the user interrupts while the agent speaks.

A moment of near speech pauses the reply, which is cheap, since it can resume. In the silence that
follows, no echo can be mistaken for the user: more speech stops the reply, silence resumes it. So a
cough hardly ever gets through (it is no speech), and "uh-huh" is over before the decision.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np

from antiphon.runtime.echo.canceller import EchoFrame
from antiphon.runtime.frames import FRAME_MS
from antiphon.runtime.turns.vad import Activity

Change = Literal["pause", "stop", "resume"]
"""pause: fade out, but keep what was to be said. stop: drop it. resume: go on."""

MAX_ECHO_SHARE = 0.85
"""Share of the agent's own sound from which a frame says nothing about the user."""
NEAR_SPEECH_SHARE, NEAR_SPEECH_FRAMES = 0.7, 160 // FRAME_MS
"""Below this share of own sound the user must be speaking. For so many frames after such a frame,
the next ones count even if the agent's own sound covers them."""
MIN_PROBABILITY = 0.3
"""Probability of speech that counts here: AEC3 leaves nothing of the agent that comes near it."""
PAUSE_FRAMES = 80 // FRAME_MS
"""Frames of speech that pause the agent."""
FIRST_PAUSE_FRAMES = 200 // FRAME_MS
"""The same before the user was heard for the first time."""
STOP_FRAMES = 700 // FRAME_MS
"""Frames of the user's speech that stop the reply; longer than "uh-huh" or "yes"."""
MAX_GAP_FRAMES = 260 // FRAME_MS
"""Frames without speech that end a burst; shorter gaps lie within words."""
RESUME_FRAMES = 400 // FRAME_MS
"""Frames without speech after which a paused reply resumes; people breathe."""
WARY_FRAMES = 3000 // FRAME_MS
"""Frames after a needless pause in which a share of the agent's own sound counts again. The speech
of the burst before still counts: speech that comes twice is an interruption."""
NEAR_RANGE_DB = 12.0
"""How far below the user's usual level speech still counts as theirs."""
PEAK_FRAMES = 160 // FRAME_MS
"""Frames whose maximum is the level; single frames of a word may be soft."""
LEVEL_FRAMES = 750
"""Frames of speech (15 s) that make up the usual level."""


class BargeIn:
    """Interruptions of one conversation, frame by frame."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=LEVEL_FRAMES)
        self._usual: float | None = None
        self._burst = self._gap = 0
        self._paused = False
        self.reset()

    def reset(self) -> None:
        """Forgets all bursts, not the listener's level."""
        self._before = self._wary = 0
        self._peaks: deque[float] = deque(maxlen=PEAK_FRAMES)
        self._shares: deque[float] = deque(maxlen=NEAR_SPEECH_FRAMES)
        self._end_burst()

    def step(self, activity: Activity, echo: EchoFrame, speaking: bool) -> Change | None:
        """Takes what the next frame holds.

        Args:
            activity: of the microphone without the agent.
            echo: of the same frame.
            speaking: whether a reply is being played or paused.
        """
        if not speaking:
            self.reset()
            self._learn(activity)
            return None
        self._wary = max(0, self._wary - 1)
        if self._foreign(activity, echo):
            self._burst, self._gap = self._burst + 1, 0
        elif not (
            self._paused and echo.own >= MAX_ECHO_SHARE and activity.probability > MIN_PROBABILITY
        ):
            self._gap += 1  # a pause is not over while its beginning still echoes
        if self._gap > (RESUME_FRAMES if self._paused else MAX_GAP_FRAMES):
            return self._let_go()
        if not self._paused and self._burst >= (
            PAUSE_FRAMES if len(self._levels) >= STOP_FRAMES else FIRST_PAUSE_FRAMES
        ):
            self._paused = True
            return "pause"
        if self._burst + (self._before if self._wary else 0) >= STOP_FRAMES:
            self.reset()
            return "stop"
        return None

    def _foreign(self, activity: Activity, echo: EchoFrame) -> bool:
        """Whether the user speaks nearby, or seems to, as long as only a pause depends on it."""
        self._shares.append(echo.own)
        known = len(self._levels) >= STOP_FRAMES
        trusted = known and echo.removed and not (self._paused or self._wary)
        seems = trusted and min(self._shares) < NEAR_SPEECH_SHARE
        self._peaks.append(max(echo.level_db, activity.level_db) if seems else echo.level_db)
        return (
            activity.probability > MIN_PROBABILITY
            and (seems or echo.own < MAX_ECHO_SHARE)
            and max(self._peaks) > self._nearest()
        )

    def _let_go(self) -> Change | None:
        """The burst is over, and was none."""
        paused = self._paused
        if paused:
            self._before, self._wary = self._burst, WARY_FRAMES
        self._end_burst()
        return "resume" if paused else None

    def _end_burst(self) -> None:
        self._burst = self._gap = 0
        self._paused = False

    def _learn(self, activity: Activity) -> None:
        if activity.speech:
            self._levels.append(activity.level_db)
            self._usual = None

    def _nearest(self) -> float:
        """Level in dBFS from which speech counts as near, relative to the speech so far."""
        if len(self._levels) < PAUSE_FRAMES:
            return -60.0
        if self._usual is None:
            self._usual = float(np.percentile(self._levels, 90))
        return self._usual - NEAR_RANGE_DB
