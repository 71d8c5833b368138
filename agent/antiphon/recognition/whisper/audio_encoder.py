"""Whisper's audio encoder over exactly the audio there is, in windows of at most thirty seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.whisper.features import LogMel, MelState, normalize
from antiphon.recognition.whisper.layers import EncoderLayer, KeyValue, WhisperConfig, load
from antiphon_codecs.skip_init import SkipInit

MAX_FRAMES = 3000
"""Mel frames of the longest window: thirty seconds."""
CUT_FRAMES = 500
"""A longer recording is cut at the quietest place of these last frames of a window."""
TAIL_FRAMES = 20
"""Mel frames of silence (0.2 s) that are encoded behind a window."""
SILENCE_STRIDE = 8
"""One in so many states of the silence behind them is attended to, with the weight of all."""


@dataclass(frozen=True)
class EncoderState:
    """A recording so far. Values are never changed in place, so a state can be kept or dropped."""

    audio: MelState
    """Samples that do not fill a window of the spectrogram yet."""
    mel: torch.Tensor
    """[T, bands] frames of the window being heard."""
    done: tuple[torch.Tensor, ...]
    """[T, width] states of the windows before it."""


class AudioEncoder(nn.Module):
    """Audio (16 kHz) to states (50 a second).

    Whisper has only ever met windows of thirty seconds, most of which end in silence. Its decoder
    says the last word twice of audio that ends right behind it, and hears short audio badly. With
    `silence`, the states are about those of the whole window, for a tenth of its time: a little
    silence is encoded behind the audio, and the rest of it is constant keys to attend to.

    Args:
        config: sizes.
    """

    def __init__(self, config: WhisperConfig) -> None:
        super().__init__()
        width = config.d_model
        self.config = config
        self.features = LogMel(config.num_mel_bins)
        self.conv1 = nn.Conv1d(config.num_mel_bins, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(config.max_source_positions, width)
        self.layers = nn.ModuleList(
            EncoderLayer(width, config.encoder_attention_heads)
            for _ in range(config.encoder_layers)
        )
        self.layer_norm = nn.LayerNorm(width)
        self.silence: tuple[KeyValue, ...] = ()
        """For every layer, keys and values of a window of silence; empty: none is heard."""

    @classmethod
    def load(cls, folder: Path, *, in_silence: bool = False) -> AudioEncoder:
        """The encoder of the Whisper checkpoint in `folder`, float32, frozen.

        Args:
            folder: holds the checkpoint.
            in_silence: whether silence is heard behind the audio.
        """
        with SkipInit():
            encoder = cls(WhisperConfig.read(folder))
        load(encoder, folder, "encoder.")
        if in_silence:
            encoder.silence = encoder.silence_keys()
        return encoder

    @torch.no_grad()
    def silence_keys(self) -> tuple[KeyValue, ...]:
        """Keys and values of every `SILENCE_STRIDE`-th state of a window of silence, by layer."""
        mel = normalize(silent_mel(2 * SILENCE_STRIDE, self.config.num_mel_bins))
        once = F.gelu(self.conv2(F.gelu(self.conv1(mel.T[None])))).transpose(1, 2)
        x = once[:, SILENCE_STRIDE // 2] + self.embed_positions.weight[None, ::SILENCE_STRIDE]
        found = []
        for layer in self.encoder_layers:
            found.append(layer.keys(x))
            x = layer(x, None)
        return tuple(found)

    @property
    def encoder_layers(self) -> Sequence[EncoderLayer]:
        """The layers."""
        return [layer for layer in self.layers if isinstance(layer, EncoderLayer)]

    def forward(self, mel: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """States [B, ceil(T / 2), width] of normalized frames [B, T <= 3000, bands].

        `lengths` [B] counts the real frames of each row; what follows them is not seen.
        """
        x = mel.transpose(1, 2)
        if lengths is None:
            x = F.gelu(self.conv1(x))
        else:
            inside = (torch.arange(mel.shape[1]) < lengths[:, None])[:, None]
            x = F.gelu(self.conv1(x * inside)) * inside
        x = F.gelu(self.conv2(x)).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        mask = self._mask(x.shape[1], lengths)
        for i, layer in enumerate(self.encoder_layers):
            x = layer(x, mask, self.silence[i] if self.silence else None)
        out: torch.Tensor = self.layer_norm(x)
        return out

    def _mask(self, count: int, lengths: torch.Tensor | None) -> torch.Tensor | None:
        """What is added to attention scores [B, 1, 1, count + silent states]; None: nothing."""
        if lengths is None and not self.silence:
            return None
        real = torch.tensor([count]) if lengths is None else (lengths + 1) // 2
        ends = real[:, None]
        mask = torch.zeros(len(real), count).masked_fill(torch.arange(count) >= ends, -torch.inf)
        if self.silence:
            window = self.config.max_source_positions
            places = torch.arange(0, window, SILENCE_STRIDE)
            behind = places >= ends
            weight = ((window - ends) / behind.sum(1, keepdim=True).clamp(min=1)).log()
            mask = torch.cat([mask, torch.where(behind, weight, -torch.inf)], 1)
        return mask[:, None, None]

    @torch.no_grad()
    def window(self, mel: torch.Tensor) -> torch.Tensor:
        """States [ceil(T / 2), width] of one window of raw log-mel frames [T, bands]."""
        if not len(mel):
            return torch.empty(0, self.config.d_model)
        states: torch.Tensor = self(normalize(self.with_tail(mel))[None])[0]
        return states[: (len(mel) + 1) // 2]

    def with_tail(self, mel: torch.Tensor) -> torch.Tensor:
        """Raw frames [T, bands] and the silence that is encoded behind them."""
        room = min(TAIL_FRAMES, MAX_FRAMES - len(mel)) if self.silence else 0
        return torch.cat([mel, silent_mel(room, mel.shape[1])])

    def start(self) -> EncoderState:
        """State of an empty recording."""
        empty = torch.empty(0, self.config.num_mel_bins)
        return EncoderState(self.features.start(), empty, ())

    def feed(self, pcm: NDArray[np.float32], state: EncoderState) -> EncoderState:
        """The recording with `pcm` [N] added; full windows are encoded on the way."""
        mel, audio = self.features.step(pcm, state.audio)
        return self._grow(replace(state, audio=audio), mel)

    def states(self, state: EncoderState) -> tuple[torch.Tensor, ...]:
        """States [T, width] of every window of the recording, as if it ended here."""
        state = self._grow(state, self.features.finish(state.audio))
        return (*state.done, self.window(state.mel))

    def encode(self, pcm: NDArray[np.float32]) -> tuple[torch.Tensor, ...]:
        """States [T, width] of every window of a whole recording [N]."""
        return self.states(self.feed(pcm, self.start()))

    def whole(self, pcm: NDArray[np.float32]) -> torch.Tensor:
        """States [T, width] of a whole recording [N], its windows joined."""
        return torch.cat(self.encode(pcm))

    def _grow(self, state: EncoderState, mel: torch.Tensor) -> EncoderState:
        heard, done = torch.cat([state.mel, mel]), list(state.done)
        while len(heard) > MAX_FRAMES:
            cut = quietest(heard)
            done.append(self.window(heard[:cut]))
            heard = heard[cut:]
        return replace(state, mel=heard, done=tuple(done))


def quietest(mel: torch.Tensor) -> int:
    """The frame of [LONGEST - SOFT, LONGEST) around which `mel` [T, bands] is quietest."""
    loudness = mel[MAX_FRAMES - CUT_FRAMES : MAX_FRAMES].mean(1)
    smooth = F.avg_pool1d(loudness[None, None], 21, stride=1, padding=10, count_include_pad=False)
    return MAX_FRAMES - CUT_FRAMES + int(smooth[0, 0].argmin())


def silent_mel(frames: int, bands: int) -> torch.Tensor:
    """[frames, bands] raw log-mel frames of silence."""
    return torch.full((frames, bands), -10.0)
