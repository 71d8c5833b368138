"""Endpointing: when a turn begins, may be over, is over, or goes on.

A pause is not an end. After `SOFT_END_FRAMES` frames of silence the turn *may* be over, and the
answer is prepared. Two judges then tell how complete the turn sounds: Smart Turn, and a head on the
recognizer's states. The surer they are, the shorter the silence that ends the turn; without a
judgement, or after an unfinished sentence, `patience` decides.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.frames import FRAME, FRAME_MS, RATE, Frame
from antiphon.runtime.turns.smart_turn import WINDOW_SECONDS
from antiphon.runtime.turns.vad import PRE_ROLL, Activity

Change = Literal["start", "soft", "resumed", "end"]
"""start: a turn begins. soft: it may be over; query the judge, prepare the reply. resumed: it
goes on; take that answer back. end: it is over; let the answer be heard."""

ONSET_FRAMES, ONSET_WINDOW = 4, 6
"""Frames of speech among the last so many that begin a turn, or take it up again."""
SOFT_END_FRAMES = 80 // FRAME_MS
"""Frames of silence after which the turn may be over."""
MIN_SILENCE = 0.6
"""Seconds of silence that suffice when the judges are sure that the turn is complete; an answer
that was begun after 0.08 s takes about as long to make on two cores."""
PATIENCE = 1.1
"""Seconds of silence that are accepted after a sentence that sounds unfinished, by default."""
IGNORED, BELIEVED = 0.7, 0.9
"""Probabilities up to which the judges count for nothing, and from which they are believed."""
Judge = Literal["sound", "hearing"]
"""What judges whether a turn is complete: Smart Turn by its sound, or the recognizer."""


class Endpointer:
    """Turns of one speaker, from voice activity.

    `step` takes microseconds. A judge takes longer than a frame, so it is asked outside: when
    `step` returns "soft", let a worker run `SmartTurn().log_odds(endpointer.turn())` and hand
    the result to `judge`. A judgement that comes too late, or never, does no harm.

    Args:
        patience: seconds of silence accepted after a sentence that sounds unfinished. Higher lets
            people think longer; a turn that sounds complete is answered as fast as ever.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.reset()

    def reset(self) -> None:
        """Forgets the turn and all sound."""
        self._frames: deque[Frame] = deque(maxlen=WINDOW_SECONDS * RATE // FRAME)
        self._recent: deque[bool] = deque(maxlen=ONSET_WINDOW)
        self._length = 0  # frames of the turn with its pre-roll; 0: no turn
        self._silence = 0
        self._opinions: dict[Judge, float] = {}

    @property
    def in_turn(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._length > 0

    @property
    def silence(self) -> float:
        """Seconds of silence since the last speech of the turn."""
        return self._silence * FRAME_MS / 1000

    def turn(self) -> NDArray[np.float32]:
        """[N] the last eight seconds at most of the turn so far, pre-roll included, at 16 kHz."""
        frames = list(self._frames)[-self._length :] if self._length else []
        return np.concatenate(frames) if frames else np.zeros(0, np.float32)

    def judge(self, judge: Judge, log_odds: float) -> None:
        """Takes log odds that the turn is complete; none count once it goes on.

        Of one judge the newest opinion counts. Two are added up, less a share for how much they
        agree anyway: fitted weights are 0.68 and 0.70, here both are 1 / sqrt(2).
        """
        if self._silence >= SOFT_END_FRAMES:
            self._opinions[judge] = log_odds

    def wanted(self) -> float:
        """Seconds of silence that would end the turn now."""
        if not self._opinions:
            return self.patience
        log_odds = sum(self._opinions.values()) / len(self._opinions) ** 0.5
        probability = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
        doubt = float(np.clip((BELIEVED - probability) / (BELIEVED - IGNORED), 0, 1))
        return MIN_SILENCE + (max(self.patience, MIN_SILENCE) - MIN_SILENCE) * doubt

    def step(self, activity: Activity, frame: Frame) -> Change | None:
        """Takes the next frame [320] and what is in it."""
        self._frames.append(frame)
        self._recent.append(activity.speech)
        spoken = sum(self._recent) >= ONSET_FRAMES
        if not self._length:
            if not spoken:
                return None
            self._length, self._silence = min(PRE_ROLL + ONSET_WINDOW, len(self._frames)), 0
            return "start"
        self._length += 1
        if self._silence < SOFT_END_FRAMES:
            self._silence = 0 if activity.speech else self._silence + 1
            return "soft" if self._silence == SOFT_END_FRAMES else None
        if spoken:
            self._silence = 0
            self._opinions.clear()
            return "resumed"
        self._silence += 1
        if self.silence < self.wanted():
            return None
        self._length = 0
        self._opinions.clear()
        self._recent.clear()
        return "end"
