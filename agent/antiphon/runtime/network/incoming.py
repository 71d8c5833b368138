"""The microphone of a client as it arrives: any rate, any length, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.resampling import QuickResampler
from antiphon.runtime.frames import FRAME, FULL, RATE, Frame, integers

MAX_SECONDS = 300.0
"""Seconds of sound that may wait; an event of 15 MiB holds 246 s at 24 kHz."""
MAX_ACTIONS = 1000
"""Actions that may wait."""

Action = Callable[[], None]


class Incoming:
    """Makes frames of sound, and keeps what is to be done between two of them in order.

    Args:
        max_seconds: of sound that may wait; what exceeds it is refused.
    """

    def __init__(self, max_seconds: float = MAX_SECONDS) -> None:
        self._queue: deque[NDArray[np.int16] | Action] = deque()
        self._max = int(max_seconds * RATE)
        self._actions = 0
        self.waiting = 0
        """Samples at 16 kHz that wait."""
        self.passed = 0
        """Samples at 16 kHz that wait no more: they were taken, or dropped."""
        self._rate = RATE
        self._resample = QuickResampler(RATE, RATE)

    def feed(self, pcm: NDArray[np.float32], rate: int) -> bool:
        """Take sound.

        Args:
            pcm: [N] mono in [-1, 1].
            rate: samples a second of it; may change at any time.

        Returns:
            Whether there was room for it; if not, none of it is taken.
        """
        if self.waiting + len(pcm) * RATE // rate > self._max:
            return False
        if rate != self._rate:
            self._put(self._resample.flush())
            self._rate, self._resample = rate, QuickResampler(rate, RATE)
        self._put(self._resample(pcm))
        return True

    def flush(self) -> None:
        """Complete the last frame with silence: the client says that its sound ends here."""
        self._put(self._resample.flush())
        if rest := -self.waiting % FRAME:
            self._put(np.zeros(rest, np.float32))

    def then(self, action: Action) -> bool:
        """Do something after all sound before it was heard; False if too much waits."""
        if self._actions >= MAX_ACTIONS:
            return False
        self._queue.append(action)
        self._actions += 1
        return True

    def clear(self) -> None:
        """Drop the sound; actions stay."""
        kept = [each for each in self._queue if not isinstance(each, np.ndarray)]
        self.passed += self.waiting
        self._queue, self.waiting = deque(kept), 0
        self._resample = QuickResampler(self._rate, RATE)

    def take(self) -> Frame | Action | None:
        """The next frame [320], or what is to be done before it; None: neither is there yet."""
        if self._queue and not isinstance(self._queue[0], np.ndarray):
            self._actions -= 1
            action = self._queue.popleft()
            assert not isinstance(action, np.ndarray)
            return action
        parts: list[NDArray[np.int16]] = []
        missing = FRAME
        for each in self._queue:
            if not isinstance(each, np.ndarray) or not missing:
                break
            parts.append(each[:missing])
            missing -= len(parts[-1])
        at_action = len(parts) < len(self._queue)  # a rest before an action is completed
        if not parts or (missing and not at_action):
            return None
        for part in parts:
            whole = self._queue.popleft()
            if isinstance(whole, np.ndarray) and len(whole) > len(part):
                self._queue.appendleft(whole[len(part) :])
        self.waiting -= FRAME - missing
        self.passed += FRAME - missing
        frame = np.zeros(FRAME, np.float32)
        frame[: FRAME - missing] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        frame /= FULL
        return frame

    def __len__(self) -> int:
        """What waits: pieces of sound and actions."""
        return len(self._queue)

    def _put(self, pcm: NDArray[np.float32]) -> None:
        if len(pcm):
            self._queue.append(integers(pcm))
            self.waiting += len(pcm)
