"""From a microphone's callback to frames: a ring, then a resampler outside the callback."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.resampling import Resampler
from antiphon.runtime.audio.ring_buffer import Ring
from antiphon.runtime.frames import FRAME, RATE, Frame

BUFFER_SECONDS = 2
"""How long a conversation may look away before samples are lost."""


class Capture:
    """A microphone's samples as frames of 20 ms at 16 kHz.

    Args:
        rate: Samples a second of the microphone.
    """

    def __init__(self, rate: int) -> None:
        self.ring = Ring(BUFFER_SECONDS * rate)
        self._chunk = np.zeros(self.ring.capacity, np.float32)
        self._resampler = Resampler(rate, RATE)
        self._ready: NDArray[np.float32] = np.zeros(0, np.float32)

    def put(self, samples: NDArray[np.float32]) -> None:
        """Takes what the microphone heard; called by the callback.

        Args:
            samples: [N] at the microphone's rate.
        """
        self.ring.write(samples)

    def take(self) -> Frame | None:
        """The next frame, or None if it is not complete yet.

        Returns:
            [320] samples in [-1, 1].
        """
        if len(self._ready) < FRAME:
            chunk = self._chunk[: self.ring.level]
            self.ring.read_into(chunk)
            self._ready = np.concatenate([self._ready, self._resampler(chunk)])
        if len(self._ready) < FRAME:
            return None
        frame, self._ready = self._ready[:FRAME], self._ready[FRAME:]
        return np.clip(np.nan_to_num(frame, nan=0.0), -1, 1)

    def clear(self) -> None:
        """Drops what was not taken; called by the consumer."""
        self.ring.read_into(self._chunk[: self.ring.level])
        self._resampler.clear()
        self._ready = self._ready[:0]

    @property
    def dropped_seconds(self) -> float:
        """Seconds of audio that were lost because they were not taken in time."""
        return self.ring.dropped / (self.ring.capacity / BUFFER_SECONDS)
