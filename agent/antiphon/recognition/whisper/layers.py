"""Whisper's layers under the parameter names of its public checkpoints, for audio of any length.

Nothing is padded to thirty seconds: ten seconds cost a few tens of milliseconds.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from antiphon_codecs.interruption import checkpoint

KeyValue = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class WhisperConfig:
    """Sizes of a Whisper checkpoint, as its `config.json` names them."""

    vocab_size: int
    """Text tokens, special tokens included."""
    d_model: int
    """Width."""
    encoder_layers: int
    """Depth of the encoder."""
    decoder_layers: int
    """Depth of the decoder."""
    encoder_attention_heads: int
    """Heads of every attention, in the decoder too."""
    num_mel_bins: int = 80
    """Mel bands."""
    max_source_positions: int = 1500
    """Longest window, in encoder frames."""
    max_target_positions: int = 448
    """Longest transcript of a window, in tokens."""

    @classmethod
    def read(cls, folder: Path) -> WhisperConfig:
        """Sizes of the checkpoint in `folder`."""
        values = json.loads((folder / "config.json").read_text())
        return cls(**{k: v for k, v in values.items() if k in cls.__dataclass_fields__})


class Attention(nn.Module):
    """Multi-head attention; keys carry no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def keys(self, source: torch.Tensor) -> KeyValue:
        """Keys and values [B, heads, S, d] of `source` [B, S, width]."""
        checkpoint()
        return self._split(self.k_proj(source)), self._split(self.v_proj(source))

    def forward(
        self, x: torch.Tensor, source: KeyValue, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Attend from `x` [B, T, width].

        `mask` is True where a key may be seen, or it is added to the scores.
        """
        if mask is not None and mask.is_floating_point():
            mask = mask.to(source[0].dtype)
        mixed = F.scaled_dot_product_attention(self._split(self.q_proj(x)), *source, attn_mask=mask)
        return self._merge(mixed)

    def look(
        self, x: torch.Tensor, source: KeyValue, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, and the attention weights [B, heads, T, S].

        A source of one row is that of all rows of `x`, and is not copied for them; a mask is then
        not possible.
        """
        rows, (key, value) = len(x), source
        if len(key) == 1 < rows:
            seen, weights = self.look(x.reshape(1, -1, x.shape[-1]), source)
            apart = weights.view(self.heads, rows, -1, weights.shape[-1]).transpose(0, 1)
            return seen.view(x.shape), apart
        query = self._split(self.q_proj(x))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(-1)
        return self._merge(weights @ value), weights

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)

    def _merge(self, x: torch.Tensor) -> torch.Tensor:
        merged: torch.Tensor = self.out_proj(x.transpose(1, 2).flatten(2))
        return merged


class EncoderLayer(nn.Module):
    """Pre-norm self-attention over all frames, then a feed-forward layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def feed_forward(self, x: torch.Tensor) -> torch.Tensor:
        """The second half of the layer."""
        checkpoint()
        y: torch.Tensor = self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))
        return x + y

    def keys(self, x: torch.Tensor) -> KeyValue:
        """Keys and values of [B, T, width] for this layer's attention."""
        return self.self_attn.keys(self.self_attn_layer_norm(x))

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None, behind: KeyValue | None = None
    ) -> torch.Tensor:
        """[B, T, width] to the same.

        Args:
            x: the frames.
            mask: [B, 1, 1, T + S] added to the attention's scores.
            behind: keys and values [1, heads, S, d] that are attended to, too.
        """
        y = self.self_attn_layer_norm(x)
        source = self.self_attn.keys(y)
        if behind is not None:
            k, v = (
                torch.cat([own, more.to(own.dtype).expand(len(x), -1, -1, -1)], 2)
                for own, more in zip(source, behind, strict=True)
            )
            source = k, v
        return self.feed_forward(x + self.self_attn(y, source, mask))


class DecoderLayer(EncoderLayer):
    """Self-attention over the tokens so far, attention to the audio, feed-forward."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.encoder_attn = Attention(width, heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(width)


def load(module: nn.Module, folder: Path, prefix: str) -> None:
    """Fill `module` with the tensors of `folder/model.safetensors` under `prefix`."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        stored = {key.removeprefix("model."): key for key in file.keys()}  # noqa: SIM118
        state = {
            name.removeprefix(prefix): file.get_tensor(key).float()
            for name, key in stored.items()
            if name.startswith(prefix)
        }
    module.load_state_dict(state, assign=True)
    module.eval().requires_grad_(False)
