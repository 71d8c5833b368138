"""A Llama decoder whose state belongs to the caller.

Parameter names are those of transformers' LlamaModel, so that a public checkpoint's
`unit_translator.model.layers.*` fits. The key-value state is a value: it can be kept, copied and
resumed from, and one model serves any number of streams.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

Cache = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""Keys and values [B, heads, T, head] of every layer."""


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of a decoder."""

    width: int = 256
    layers: int = 4
    heads: int = 4
    inner: int = 768
    theta: float = 10000.0


class RMSNorm(nn.Module):
    """Root-mean-square norm with a learned gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Norm over the last axis, in the precision of the gain."""
        return F.rms_norm(x.to(self.weight.dtype), self.weight.shape, self.weight, 1e-5).to(x.dtype)


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.heads = config.heads
        width = config.width
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(
        self,
        x: torch.Tensor,
        rotary: tuple[torch.Tensor, torch.Tensor],
        past: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """[B, T, width] attended, and the keys and values so far."""
        q, k, v = (
            proj(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = rotate(q, rotary), rotate(k, rotary)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        # With a past the new steps come one at a time, so nothing lies in their future.
        y = F.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        return self.o_proj(y.transpose(1, 2).flatten(2)), (k, v)


class Mlp(nn.Module):
    """SwiGLU perceptron."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.inner, bias=False)
        self.up_proj = nn.Linear(config.width, config.inner, bias=False)
        self.down_proj = nn.Linear(config.inner, config.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, T, width] to the same shape."""
        y: torch.Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return y


class Layer(nn.Module):
    """Attention, then perceptron, each on a normed input around a shortcut."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = Mlp(config)
        self.input_layernorm = RMSNorm(config.width)
        self.post_attention_layernorm = RMSNorm(config.width)

    def forward(
        self,
        x: torch.Tensor,
        rotary: tuple[torch.Tensor, torch.Tensor],
        past: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """[B, T, width] to the same shape, and the keys and values so far."""
        y, kept = self.self_attn(self.input_layernorm(x), rotary, past)
        x = x + y
        return x + self.mlp(self.post_attention_layernorm(x)), kept


class Llama(nn.Module):
    """Decoder stack over given input vectors.

    Args:
        config: sizes.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width)

    def forward(
        self, x: torch.Tensor, cache: Cache = (), position: int = 0
    ) -> tuple[torch.Tensor, Cache]:
        """Run T steps.

        Args:
            x: [B, T, width] inputs; with a cache, T must be 1.
            cache: of the steps before; empty at the start.
            position: index of the first step, for the rotary angles.

        Returns:
            [B, T, width] normed outputs, and the cache grown by T.
        """
        rotary = angles(x.shape[1], position, self.config, x.dtype)
        kept = []
        for i, layer in enumerate(self.layers):
            x, pair = layer(x, rotary, cache[i] if cache else None)
            kept.append(pair)
        return self.norm(x), tuple(kept)


def angles(
    steps: int, position: int, config: LlamaConfig, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines [T, head] of the rotary embedding (Su et al. 2021)."""
    head = config.width // config.heads
    rates = config.theta ** (-torch.arange(0, head, 2).float() / head)
    turned = (position + torch.arange(steps).float())[:, None] * rates
    turned = torch.cat([turned, turned], -1)
    return turned.cos().to(dtype), turned.sin().to(dtype)


def rotate(x: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Turn x [B, heads, T, head] by the angles of its steps."""
    cos, sin = rotary
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin
