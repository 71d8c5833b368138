"""Resampling a stream piece by piece, with the shortest and steadiest delay soxr has."""

from __future__ import annotations

from typing import Any

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


class QuickResampler:
    """Changes the rate of a stream and holds back 1 to 2 ms only (FFmpeg's swresample).

    It takes thrice the time of `Resampler`. From 24 to 16 kHz, 7 kHz lose 0.4 dB and 7.5 kHz 3 dB;
    aliases lie below -60 dB from 9 kHz on. What it holds back is made up for at the beginning, by
    silence, so that 20 ms give 20 ms from the first call on.

    Args:
        source: Samples a second of what comes.
        target: Samples a second of what is wanted.
    """

    def __init__(self, source: int, target: int) -> None:
        self._rates = source, target
        self._stream: Any = None
        self._begun = False

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples at the target's rate.

        Args:
            samples: [N].

        Returns:
            [M], a new array.
        """
        source, target = self._rates
        if source == target or not len(samples):
            return samples.astype(np.float32)
        import av

        self._stream = self._stream or av.AudioResampler("flt", "mono", target)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None], np.float32), "flt", "mono"
        )
        frame.sample_rate = source
        made = self._joined(self._stream.resample(frame))
        if not self._begun:
            self._begun = True
            held = max(0, len(samples) * target // source - len(made))
            made = np.concatenate([np.zeros(held, np.float32), made])
        return made

    def flush(self) -> NDArray[np.float32]:
        """The end of the stream: what it holds back, [M]; the next call begins another stream."""
        stream, self._stream, self._begun = self._stream, None, False
        return np.zeros(0, np.float32) if stream is None else self._joined(stream.resample(None))

    def _joined(self, frames: Any) -> NDArray[np.float32]:
        return np.concatenate([np.zeros(0, np.float32), *(f.to_ndarray()[0] for f in frames)])
