"""Log-mel spectrograms as Whisper has them, in numpy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second."""
HOP = 160
"""Samples between windows: 10 ms."""
WINDOW = 400
"""Samples a window: 25 ms."""
FLOOR = 1e-10
"""Least mel energy, so that silence has a logarithm."""


@lru_cache(maxsize=4)
def filters(bands: int) -> NDArray[np.float32]:
    """[bands, 201] triangular filters of equal area from 0 to 8 kHz on Slaney's mel scale.

    Linear below 1 kHz, logarithmic above (Slaney, Auditory Toolbox, 1998), as Whisper has them.
    """
    top = 15 + np.log(RATE / 2000) * 27 / np.log(6.4)
    mels = np.linspace(0, top, bands + 2)
    hertz = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    rising = (bins - hertz[:-2, None]) / np.diff(hertz)[:-1, None]
    falling = (hertz[2:, None] - bins) / np.diff(hertz)[1:, None]
    bank = np.maximum(0, np.minimum(rising, falling)) * (2 / (hertz[2:] - hertz[:-2]))[:, None]
    return bank.astype(np.float32)


@lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def log_mel(pcm: NDArray[np.float32], bands: int) -> NDArray[np.float32]:
    """[T, bands] log10 mel energies of the whole windows that start every `HOP` of `pcm` [N]."""
    if len(pcm) < WINDOW:
        return np.empty((0, bands), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pcm, WINDOW)[::HOP]
    spectrum = np.fft.rfft(windows * _hann())
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return np.log10(np.maximum(power @ filters(bands).T, FLOOR))
