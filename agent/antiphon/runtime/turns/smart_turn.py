"""Smart Turn: whether what was said sounds finished."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon import onnx_session
from antiphon.mel import HOP, WINDOW, log_mel
from antiphon.runtime.frames import RATE

WINDOW_SECONDS = 8
"""How much of the turn it hears: the last eight seconds."""
FILE = "smart-turn-v3.2.onnx"
BANDS = 80
STATES, POOLED = "layer_norm_8", "sum_1"
"""Names in the graph of the encoder's states [1, 400, 384] and of their weighted mean [1, 384]."""
AVERAGED_STATES = (8, 20, 60)
"""How many of the last states (20 ms each) the head averages."""


class SmartTurn:
    """Smart Turn 3.2 (BSD-2-Clause, https://github.com/pipecat-ai/smart-turn) with a head of ours.

    Its own head was trained on conversations, and takes most pauses in read or dictated sentences
    for ends; so a linear head trained on those (`antiphon train turn-end`) reads its states.

    A judgement takes about 30 ms, longer than a frame: let a worker make it.

    Args:
        folder: holds the model; none takes the catalogue's.
        head: folder of the head; none takes the one that comes with the project.

    Raises:
        UserError: the model is not cached and cannot be fetched, or the head is missing.
    """

    def __init__(self, folder: Path | None = None, head: Path | None = None) -> None:
        from safetensors.numpy import load_file

        from antiphon import weights

        self._head = load_file((head or weights.assets("turn-end")) / "head.safetensors")
        self._judge = TurnEndJudge(folder)

    def log_odds(self, pcm: NDArray[np.float32]) -> float:
        """Log odds that the turn `pcm` [N] at 16 kHz, up to now, is complete."""
        states, _ = self._judge(pcm)
        return float(self._head["weight"].astype(np.float32) @ states + self._head["bias"])


class TurnEndJudge:
    """Smart Turn as it is published.

    Args:
        folder: holds the model; none takes the catalogue's.
    """

    def __init__(self, folder: Path | None = None) -> None:
        from antiphon import weights

        path = (folder or weights.path("smart-turn")) / FILE
        self._session = onnx_session.session(path, STATES, POOLED)

    def __call__(self, pcm: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Features [4 * 384] of `pcm` [N] at 16 kHz for a head, and the model's own probability."""
        feed = {"input_features": features(pcm)[None]}
        own, states, pooled = self._session.run(None, feed)
        means = [states[0, -count:].mean(axis=0) for count in AVERAGED_STATES]
        # The graph ends in a sigmoid, though it calls its output logits.
        return np.concatenate([*means, pooled[0]]), float(own[0, 0])


def features(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """[80, 800] Whisper's log-mel of the last eight seconds of `pcm` [N] at 16 kHz.

    Silence is put in front of shorter sound. As in training, the padded samples are brought to
    zero mean and unit variance first (transformers' `WhisperFeatureExtractor(chunk_length=8)`
    with `do_normalize`).
    """
    size = WINDOW_SECONDS * RATE
    sound = np.zeros(size, np.float32)
    kept = pcm[-size:]
    sound[size - len(kept) :] = kept
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    mel = log_mel(np.pad(sound, WINDOW // 2, mode="reflect"), BANDS)[: size // HOP]
    return np.ascontiguousarray((np.maximum(mel, mel.max() - 8) + 4).T / 4)
