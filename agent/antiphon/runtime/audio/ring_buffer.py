"""A ring of samples between a sound card's callback and the conversation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FADE_MS = 10
"""Milliseconds of the fade where sound ends early; a hard edge would click."""


class Ring:
    """Samples in a buffer allocated once, for one producer and one consumer in different threads.

    Needs no lock: each index is advanced by one side only, after the samples are in place.

    Args:
        capacity: Samples it holds at most.
        fade: Samples of the fade when it runs dry or is cut.
    """

    def __init__(self, capacity: int, fade: int = 0) -> None:
        self.capacity = capacity
        self.written = 0
        """Samples ever written."""
        self.position = 0
        """Samples ever read or cut away."""
        self.dropped = 0
        """Samples that found no room."""
        self._samples = np.zeros(capacity, np.float32)
        self._ramp = np.linspace(1, 0, fade + 1, dtype=np.float32)[1:]
        self._cut = 0

    @property
    def level(self) -> int:
        """Samples that wait to be read."""
        return self.written - max(self.position, self._cut)

    def write(self, samples: NDArray[np.float32]) -> int:
        """Adds samples; the newest are dropped if there is no room.

        Args:
            samples: [N].

        Returns:
            How many were added.
        """
        count = min(len(samples), self.capacity - (self.written - self.position))
        self.dropped += len(samples) - count
        start = self.written % self.capacity
        first = min(count, self.capacity - start)
        self._samples[start : start + first] = samples[:first]
        self._samples[: count - first] = samples[first:count]
        self.written += count
        return count

    def read_into(self, out: NDArray[np.float32]) -> int:
        """Fills a buffer: samples as far as there are some, then silence after a short fade.

        Args:
            out: [N], overwritten.

        Returns:
            How many samples were in the ring.
        """
        filled = 0
        cut = self._cut
        if self.position < cut:  # what was cut away fades out, the rest of it is skipped
            filled = self._copy(out, min(cut - self.position, len(self._ramp), len(out)))
            self._fade(out[:filled])
            self.position = cut
        count = min(len(out) - filled, self.written - self.position)
        self._copy(out[filled:], count)
        filled += count
        if filled < len(out):
            self._fade(out[:filled])
            out[filled:] = 0
        return filled

    def cut(self) -> int:
        """Throws away what waits, but for a short fade; called by the producer.

        Returns:
            The position up to which the consumer reads before it skips the rest.
        """
        end = min(self.written, self.position + len(self._ramp))
        self._cut = self.written
        return end

    def _copy(self, out: NDArray[np.float32], count: int) -> int:
        start = self.position % self.capacity
        first = min(count, self.capacity - start)
        out[:first] = self._samples[start : start + first]
        out[first:count] = self._samples[: count - first]
        self.position += count
        return count

    def _fade(self, out: NDArray[np.float32]) -> None:
        """Fades the end of a block to silence, in place."""
        count = min(len(out), len(self._ramp))
        if count:
            tail = out[len(out) - count :]
            stride = len(self._ramp) // count
            np.multiply(tail, self._ramp[::-stride][:count][::-1], out=tail)
