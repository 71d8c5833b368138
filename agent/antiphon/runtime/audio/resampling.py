"""Resampling a stream piece by piece, with the shortest and steadiest delay soxr has."""

from __future__ import annotations

from functools import cache
from math import ceil, gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_PHASES = 6
"""Of a rate in proportion to the other one, for a filter of our own."""
HELD = 16
"""Samples of the output that this filter holds back: 1 ms at 16 kHz."""
BLOCK = 16
"""Groups of the output that are made in one row of a product of matrices, which is quicker."""
KAISER = 6.0
"""Shape of its window: aliases below -60 dB."""


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
    """Changes the rate of a stream and holds back 1 ms only (a little more where FFmpeg does it).

    A short filter is laid over the samples; between rates that are in no simple proportion, such as
    44.1 and 16 kHz, FFmpeg's swresample does the same at several times the work. From 24 to 16 kHz,
    7.5 kHz lose 1 dB, and aliases lie below -60 dB from 9 kHz on. Silence makes up at the beginning
    for what is held back, so that 20 ms give 20 ms from the first call on.

    Args:
        source: Samples a second of what comes.
        target: Samples a second of what is wanted.
    """

    def __init__(self, source: int, target: int) -> None:
        common = gcd(source, target)
        few = max(source, target) // common <= MAX_PHASES
        self._filter = Polyphase(source // common, target // common) if few else None
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
        if self._filter is not None:
            return self._filter(samples)
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
        if self._filter is not None and self._rates[0] != self._rates[1]:
            return self._filter.flush()
        stream, self._stream, self._begun = self._stream, None, False
        return np.zeros(0, np.float32) if stream is None else self._joined(stream.resample(None))

    def _joined(self, frames: Any) -> NDArray[np.float32]:
        return np.concatenate([np.zeros(0, np.float32), *(f.to_ndarray()[0] for f in frames)])


class Polyphase:
    """A sinc in Kaiser's window, laid over every `down` samples `up` times.

    Args:
        down: samples of which each group of the output is made.
        up: samples of such a group.
    """

    def __init__(self, down: int, up: int) -> None:
        self._down, self._up = down, up
        self._filter, self._width = blocks(down, up), len(taps(down, up))
        self._clear()

    def _clear(self) -> None:
        self._begun = False
        self._past = np.zeros(self._width - self._down, np.float32)

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next samples, [N] to [N * up / down]."""
        self._begun = True
        down, length = self._down, len(self._past) + len(samples)
        groups = max(0, (length - self._width) // down + 1)
        count = -(-groups // BLOCK)
        width, step = len(self._filter), BLOCK * down
        missing = max(0, (count - 1) * step + width - length) if count else 0
        seen = np.concatenate([self._past, samples, np.zeros(missing, np.float32)])
        self._past = seen[groups * down : length].copy()
        strides = step * seen.itemsize, seen.itemsize
        windows = np.ndarray((count, width), seen.dtype, seen, strides=strides)
        made: NDArray[np.float32] = np.ascontiguousarray(windows) @ self._filter
        return made.reshape(-1)[: groups * self._up]

    def flush(self) -> NDArray[np.float32]:
        """What is held back, [HELD]; then another stream begins."""
        if not self._begun:
            return np.zeros(0, np.float32)
        held = self(np.zeros(-(-HELD * self._down // self._up), np.float32))
        self._clear()
        return held[:HELD]


@cache
def taps(down: int, up: int) -> NDArray[np.float32]:
    """The filters of `Polyphase`, [samples, up]: each makes one sample of a group.

    The middle of the sinc lies `HELD` samples of the output back, and it ends as far before.
    """
    delay = HELD * down / up
    half = delay - max(0.0, 1 - down / up)
    width = ceil(half + delay + down)
    at = np.arange(up) * down / up - down + width - np.arange(width)[:, None] - delay
    inside = np.clip(1 - (at / half) ** 2, 0, None)
    sinc = np.sinc(at * min(1.0, up / down)) * np.i0(KAISER * np.sqrt(inside)) * (inside > 0)
    scaled: NDArray[np.float32] = (sinc / sinc.sum(0)).astype(np.float32)
    return scaled


@cache
def blocks(down: int, up: int) -> NDArray[np.float32]:
    """The filters of `Polyphase` for `BLOCK` groups in a row, [samples, BLOCK * up]."""
    one = taps(down, up)
    all_of_them = np.zeros((len(one) + (BLOCK - 1) * down, BLOCK * up), np.float32)
    for group in range(BLOCK):
        at = group * down
        all_of_them[at : at + len(one), group * up : (group + 1) * up] = one
    return all_of_them
