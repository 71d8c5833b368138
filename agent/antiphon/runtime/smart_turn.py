"""Smart Turn: whether what was said sounds finished."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime import onnx
from antiphon.runtime.frames import RATE
from antiphon.runtime.mel import HOP, WINDOW, log_mel

SECONDS = 8
"""How much of the turn it hears: the last eight seconds."""
FILE = "smart-turn-v3.2.onnx"
BANDS = 80


class SmartTurn:
    """Smart Turn 3.2 (BSD-2-Clause, https://github.com/pipecat-ai/smart-turn).

    A judgement takes about 30 ms, longer than a frame: let a worker make it.

    Args:
        folder: holds the model; none takes the catalogue's.

    Raises:
        UserError: the model is not cached and cannot be fetched.
    """

    def __init__(self, folder: Path | None = None) -> None:
        from antiphon import weights

        self._session = onnx.session((folder or weights.path("smart-turn")) / FILE)

    def probability(self, pcm: NDArray[np.float32]) -> float:
        """Probability in [0, 1] that the turn `pcm` [N] at 16 kHz, up to now, is complete."""
        logits = self._session.run(None, {"input_features": features(pcm)[None]})[0]
        return float(logits[0, 0])  # the graph ends in a sigmoid, whatever its output is called


def features(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """[80, 800] Whisper's log-mel of the last eight seconds of `pcm` [N] at 16 kHz.

    Silence is put in front of shorter sound. As in training, the padded samples are brought to
    zero mean and unit variance first (transformers' `WhisperFeatureExtractor(chunk_length=8)`
    with `do_normalize`).
    """
    size = SECONDS * RATE
    sound = np.zeros(size, np.float32)
    kept = pcm[-size:]
    sound[size - len(kept) :] = kept
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    mel = log_mel(np.pad(sound, WINDOW // 2, mode="reflect"), BANDS)[: size // HOP]
    return np.ascontiguousarray((np.maximum(mel, mel.max() - 8) + 4).T / 4)
