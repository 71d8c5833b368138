"""The stop word: spots a single "stop", whatever else is going on.

It listens to the microphone itself, outside of voice activity, echo cancellation and barge-in, so
that nothing which may be wrong with those keeps a robot from stopping.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon.mel import HOP, WINDOW, log_mel
from antiphon.runtime.frames import FRAME, FRAME_MS, Frame, level_db

BANDS = 40
DILATIONS = (1, 2, 4, 8, 16)
"""Of the causal convolutions; each looks at three places. Together they see 1.3 s."""
MEAN, SCALE = -3.0, 2.0
"""Of log-mel energies."""
QUIET_DB = -55.0
"""Level in dBFS below which a frame holds no word."""
RECEPTIVE_FIELD = 1 + 2 * sum(DILATIONS)
"""Frames that the spotter sees; after so many quiet ones it sleeps."""
REFRACTORY_FRAMES = 1000 // FRAME_MS
"""Frames after a hit before the next, since one word is spotted in several frames."""


def features(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """[T, 2 * BANDS] what the spotter sees of `pcm` [N] at 16 kHz: two windows a frame of 20 ms."""
    mel = (log_mel(pcm, BANDS) - np.float32(MEAN)) / np.float32(SCALE)
    return mel[: len(mel) // 2 * 2].reshape(-1, 2 * BANDS)


class StopWord:
    """Spots the word in one microphone's sound.

    A stack of causal convolutions, computed frame by frame: only the newest column of each layer.

    Args:
        folder: of the weights; none takes those that come with the project.
        threshold: probability from which it is the word; none takes what training chose.

    Raises:
        UserError: the weights are missing.
    """

    def __init__(self, folder: Path | None = None, threshold: float | None = None) -> None:
        from safetensors.numpy import load_file

        if folder is None:
            from antiphon import weights

            folder = weights.assets("stop-word")
        self._weights = load_file(folder / "stop.safetensors")
        self.threshold = float(self._weights["threshold"]) if threshold is None else threshold
        self._width = len(self._weights["in.bias"])
        self.reset()

    def reset(self) -> None:
        """Forgets all it has heard."""
        self._columns = [np.zeros((2 * d + 1, self._width), np.float32) for d in DILATIONS]
        self._tail = np.zeros(WINDOW - HOP, np.float32)
        self._last: deque[Frame] = deque(maxlen=200 // FRAME_MS)
        self._quiet, self._rest = RECEPTIVE_FIELD + 1, 0
        self.probability = 0.0

    def step(self, frame: Frame) -> bool:
        """Takes the next frame [320]; true once for every "stop"."""
        self._rest = max(0, self._rest - 1)
        asleep = self._quiet > RECEPTIVE_FIELD
        self._quiet = 0 if level_db(frame) > QUIET_DB else self._quiet + 1
        self._last.append(frame)
        if self._quiet > RECEPTIVE_FIELD:
            return False
        if asleep:
            self._wake()
        else:
            self.probability = self._advance(frame)
        if self.probability < self.threshold or self._rest:
            return False
        self._rest = REFRACTORY_FRAMES
        return True

    def _wake(self) -> None:
        """Restarts a little before the frame that woke it."""
        for column in self._columns:
            column[:] = 0
        self._tail[:] = 0
        for frame in self._last:
            self.probability = self._advance(frame)

    def _advance(self, frame: Frame) -> float:
        sound = np.concatenate([self._tail, frame])
        self._tail = sound[FRAME:]
        w = self._weights
        x = np.maximum(w["in.weight"] @ features(sound)[0] + w["in.bias"], 0)
        for i, column in enumerate(self._columns):
            column[:-1] = column[1:]
            column[-1] = x
            seen = column[:: DILATIONS[i]].ravel()
            x = x + np.maximum(w[f"{i}.weight"] @ seen + w[f"{i}.bias"], 0)
        logit = np.clip(w["out.weight"] @ x + w["out.bias"], -30, 30)
        return float(1 / (1 + np.exp(-logit)))
