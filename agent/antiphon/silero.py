"""Silero VAD: how likely a piece of sound is speech."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon import onnx_session

SAMPLE_RATE = 16_000
"""Hertz the model takes."""
WINDOW = 512
"""Samples the model takes at a time: 32 ms at 16 kHz, the only size it was trained for."""
CONTEXT = 64
"""Samples of the window before, which it sees again."""
FILE = "silero_vad_16k.onnx"


@dataclass(frozen=True)
class SileroState:
    """What one microphone's past left behind; a value that can be kept and used again."""

    hidden: NDArray[np.float32]
    """[2, 1, 128] of the recurrent layer."""
    context: NDArray[np.float32]
    """[CONTEXT] end of the window before."""


class Silero:
    """Silero VAD 6 (MIT, https://github.com/snakers4/silero-vad), 16 kHz.

    Args:
        folder: holds the model; none takes the catalogue's.

    Raises:
        UserError: the model is not cached and cannot be fetched.
    """

    def __init__(self, folder: Path | None = None) -> None:
        from antiphon import weights

        self._session = onnx_session.session((folder or weights.path("silero-vad")) / FILE)
        self._rate = np.array(SAMPLE_RATE, np.int64)

    def start(self) -> SileroState:
        """State of a microphone that has heard nothing."""
        return SileroState(np.zeros((2, 1, 128), np.float32), np.zeros(CONTEXT, np.float32))

    def step(self, pcm: NDArray[np.float32], state: SileroState) -> tuple[float, SileroState]:
        """Probability of speech in `pcm` [WINDOW] at 16 kHz, and the new state."""
        sound = np.concatenate([state.context, pcm])
        feed = {"input": sound[None], "state": state.hidden, "sr": self._rate}
        probability, hidden = self._session.run(None, feed)
        return float(probability[0, 0]), SileroState(hidden, sound[-CONTEXT:])
