"""Whisper's log-mel spectrogram, made piece by piece.

The frames are those of Whisper's own feature extractor for the same audio padded with silence to
thirty seconds; only the padding itself is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.mel import HOP, RATE, WINDOW
from antiphon.mel import filters as mel_filters

SAMPLE_RATE = RATE
FRAMES_PER_SECOND = SAMPLE_RATE // HOP


@lru_cache(maxsize=4)
def filters(bands: int) -> torch.Tensor:
    """[bands, 201] mel filters, float32."""
    return torch.from_numpy(mel_filters(bands))


def log_mel(pcm: torch.Tensor, bands: int, hop: int = HOP) -> torch.Tensor:
    """[T, bands] log10 mel energies of the windows that start every `hop` samples of `pcm` [N]."""
    if len(pcm) < WINDOW:
        return torch.empty(0, bands)
    frames = pcm.unfold(0, WINDOW, hop) * torch.hann_window(WINDOW)
    power = torch.fft.rfft(frames).abs().square()
    mel: torch.Tensor = (power @ filters(bands).T).clamp(min=1e-10).log10()
    return mel


def normalize(mel: torch.Tensor) -> torch.Tensor:
    """Whisper's scaling of log-mel frames [T, bands]: 8 decades below the loudest, then /4."""
    if not len(mel):
        return mel
    return (torch.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0


@dataclass(frozen=True)
class MelState:
    """Audio that still waits for its window to fill."""

    rest: torch.Tensor
    """Samples from the start of the next window on; at the very start, raw audio."""
    started: bool
    """Whether the mirrored samples in front of the first one have been made."""


class LogMel:
    """Log-mel frames (before `normalize`) of a growing recording.

    Args:
        bands: mel bands.
        hop: samples between frames; 160 are Whisper's 100 frames a second.
    """

    def __init__(self, bands: int = 80, hop: int = HOP) -> None:
        self.bands, self.hop = bands, hop

    def start(self) -> MelState:
        """State of an empty recording."""
        return MelState(torch.empty(0), started=False)

    def step(self, pcm: NDArray[np.float32], state: MelState) -> tuple[torch.Tensor, MelState]:
        """Frames [T, bands] whose windows are complete after `pcm` [N], and the new state."""
        audio = torch.cat([state.rest, torch.as_tensor(pcm, dtype=torch.float32)])
        started = state.started
        if not started:
            half = WINDOW // 2
            if len(audio) <= half:
                return torch.empty(0, self.bands), MelState(audio, started=False)
            audio, started = torch.cat([audio[1 : half + 1].flip(0), audio]), True
        mel = log_mel(audio, self.bands, self.hop)
        return mel, MelState(audio[len(mel) * self.hop :].clone(), started)

    def finish(self, state: MelState) -> torch.Tensor:
        """The last frames [T, bands]: one for each started hop of the recording."""
        if not state.started:
            if not len(state.rest):
                return torch.empty(0, self.bands)
            filled = np.zeros(WINDOW // 2 + 1, np.float32)
            filled[: len(state.rest)] = state.rest.numpy()
            mel, after = self.step(filled, self.start())
            frames = -(-len(state.rest) // self.hop)
            return torch.cat([mel, self._tail(after, frames)])[:frames]
        return self._tail(state, -(-(len(state.rest) - WINDOW // 2) // self.hop))

    def _tail(self, state: MelState, frames: int) -> torch.Tensor:
        if frames <= 0:
            return torch.empty(0, self.bands)
        return log_mel(torch.cat([state.rest, torch.zeros(WINDOW)]), self.bands, self.hop)[:frames]
