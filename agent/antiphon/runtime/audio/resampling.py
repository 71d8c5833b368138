"""Resampling a stream piece by piece, with the shortest and steadiest delay soxr has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Resampler:
    """Changes the rate of a stream.

    soxr's variable-rate mode is taken although the rate stays: it answers every 20 ms with 20 ms
    and holds back 11 to 15 ms (30 ms from 8 kHz), while the usual mode answers every other time
    and holds back up to 66 ms. Distortion and aliasing stay below -100 dB.

    Args:
        source: Samples a second of what comes.
        target: Samples a second of what is wanted.
    """

    def __init__(self, source: int, target: int) -> None:
        self._stream = None
        if source != target:
            import soxr

            self._stream = soxr.ResampleStream(source, target, 1, dtype="float32", vr=True)

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples at the target's rate.

        Args:
            samples: [N].

        Returns:
            [M], a new array.
        """
        if self._stream is None or not len(samples):
            return samples.astype(np.float32)
        resampled: NDArray[np.float32] = self._stream.resample_chunk(
            np.ascontiguousarray(samples, np.float32)
        )
        return resampled

    def flush(self) -> NDArray[np.float32]:
        """The end of the stream: what it holds back, [M]."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        held: NDArray[np.float32] = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        return held

    def clear(self) -> None:
        """Forgets what it holds back."""
        if self._stream is not None:
            self._stream.clear()
