"""Qwen3-ASR's log-mel frames in windows of the encoder, made piece by piece.

transformers' extractor clamps at 8 decades below the loudest frame of the whole clip, so what comes
later would change what was heard before. Here it is the loudest frame up to the end of a window: a
finished window never changes, and streaming equals offline. Both are the same unless a later window
is louder than all before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.mel import HOP
from antiphon.recognition.whisper.features import LogMel, MelState, log_mel

LEAST = 8000
"""Samples to which a shorter clip is filled with silence, as the original does."""


@dataclass(frozen=True)
class FeatureState:
    """A recording so far. Values are never changed in place."""

    audio: MelState
    mel: torch.Tensor
    """[T, bands] raw frames of the window that is not full yet."""
    top: float = -10.0
    """The loudest value so far."""
    samples: int = 0


class Features:
    """Frames of windows.

    Args:
        bands: mel bands.
        window: frames of a window.
        hop: samples between frames.
    """

    def __init__(self, bands: int, window: int, hop: int = HOP) -> None:
        self.log_mel, self.window, self.hop = LogMel(bands, hop), window, hop

    def whole(self, pcm: NDArray[np.float32]) -> torch.Tensor:
        """Scaled frames [T, bands] of a whole recording [N]."""
        full, state = self.feed(pcm, self.start())
        return torch.cat([*full, *self.finish(state)])

    def start(self) -> FeatureState:
        """State before the first sample."""
        return FeatureState(self.log_mel.start(), torch.empty(0, self.log_mel.bands))

    def feed(
        self, pcm: NDArray[np.float32], state: FeatureState
    ) -> tuple[list[torch.Tensor], FeatureState]:
        """Windows [window, bands] that are full after `pcm` [N], scaled; the new state."""
        new, audio = self.log_mel.step(pcm, state.audio)
        state = replace(state, audio=audio, samples=state.samples + len(pcm))
        return self._full(new, state)

    def finish(self, state: FeatureState) -> list[torch.Tensor]:
        """What is left, if the recording ends here: a last window [<= window, bands], or none."""
        if not state.samples:
            return []
        if state.samples < LEAST:
            full, state = self.feed(np.zeros(LEAST - state.samples, np.float32), state)
            if full:
                return [*full, *self.finish(state)]
        last = state.audio.rest
        mirrored = torch.cat([last, last[-201:-1].flip(0)])
        done = state.samples // self.hop
        tail = log_mel(mirrored, self.log_mel.bands, self.hop)
        frames = done - self._made(state)
        full, state = self._full(tail[: max(0, frames)], state)
        return [*full, scaled(state.mel, state.top)] if len(state.mel) else full

    def _full(
        self, new: torch.Tensor, state: FeatureState
    ) -> tuple[list[torch.Tensor], FeatureState]:
        found = []
        mel, top = torch.cat([state.mel, new]), state.top
        fresh = len(state.mel)
        while len(mel) >= self.window:
            top = max(top, float(mel[fresh : self.window].max()) if fresh < self.window else top)
            found.append(scaled(mel[: self.window], top))
            mel, fresh = mel[self.window :], 0
        if len(mel) > fresh:
            top = max(top, float(mel[fresh:].max()))
        return found, replace(state, mel=mel, top=top)

    def _made(self, state: FeatureState) -> int:
        """Frames made so far: those whose windows begin before what waits."""
        padded = state.samples + 200  # samples mirrored in front
        return (padded - len(state.audio.rest)) // self.hop


def scaled(mel: torch.Tensor, top: float) -> torch.Tensor:
    """Raw frames as the model takes them."""
    return (mel.clamp(min=top - 8.0) + 4.0) / 4.0
