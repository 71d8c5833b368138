"""The grid a conversation runs on: frames of 20 ms, counted in the microphone's samples.

Time is a sample count. A frame of the microphone is always 320 samples at 16 kHz; the frame played
for it has the codec's rate (441 samples at 22,050 Hz).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FRAME_MS = 20
"""Milliseconds of a frame."""
RATE = 16_000
"""Samples a second of the microphone, the clock of a conversation."""
FRAME = RATE * FRAME_MS // 1000
"""Samples of a frame of the microphone: 320."""
FULL = np.float32(32768)
"""Full scale of 16 bits."""

Frame = NDArray[np.float32]
"""[320] of the microphone, or [`played(sample_rate)`] of the speaker; in [-1, 1]."""


def played(sample_rate: int) -> int:
    """Samples of a frame at another rate; the rate must be a multiple of 50 Hz.

    Raises:
        ValueError: A frame would not be a whole number of samples.
    """
    samples, rest = divmod(sample_rate * FRAME_MS, 1000)
    if rest or samples <= 0:
        raise ValueError(f"20 ms at {sample_rate} Hz are no whole number of samples")
    return samples


def seconds(samples: int) -> float:
    """Seconds of a count of the microphone's samples."""
    return samples / RATE


def level_db(frame: Frame) -> float:
    """Level in dBFS of the alternating part of `frame`; -100 at the least."""
    return float(10 * np.log10(frame.var() + 1e-10))


def sixteen_bits(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples as a 16-bit file holds them, so that a recording is what was really there.

    Args:
        pcm: [N]; what is no number is silence, what exceeds full scale is clipped.
    """
    return numbers_of(pcm) / FULL


def integers(pcm: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples as a 16-bit file holds them, as the numbers in it; see `sixteen_bits`."""
    return numbers_of(pcm).astype(np.int16)


def numbers_of(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples as whole numbers of 16 bits."""
    numbers: NDArray[np.float32] = np.asarray(pcm, np.float32) * FULL
    energy = float(np.dot(numbers, numbers))  # the quickest look at all of them
    if not energy:
        return np.zeros(numbers.shape, np.float32)
    if not math.isfinite(energy):
        numbers = np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)
    np.rint(numbers, out=numbers)
    np.maximum(numbers, -FULL, out=numbers)
    np.minimum(numbers, FULL - 1, out=numbers)
    return numbers
