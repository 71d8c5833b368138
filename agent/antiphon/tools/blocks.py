"""The lower blocks of a Llama in bfloat16, for many short texts at once and for training.

Parameters are named as in transformers' LlamaModel, so its weights and LoRA fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class Norm(nn.Module):
    """Root-mean-square norm, worked out in float32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Norm over the last axis."""
        return F.rms_norm(x.float(), x.shape[-1:], None, self.eps).to(x.dtype) * self.weight


class Attention(nn.Module):
    """Causal self-attention, rotary, several query heads to a key head."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, heads = config["hidden_size"], config["num_attention_heads"]
        self.size = config.get("head_dim") or width // heads
        kept = self.size * (config.get("num_key_value_heads") or heads)
        self.q_proj = nn.Linear(width, heads * self.size, bias=False)
        self.k_proj = nn.Linear(width, kept, bias=False)
        self.v_proj = nn.Linear(width, kept, bias=False)
        self.o_proj = nn.Linear(heads * self.size, width, bias=False)

    def forward(self, x: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """[B, T, H] attended; `turns` are cosines and sines [T, head]."""
        q, k, v = (
            project(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        more = q.shape[1] // k.shape[1]
        k, v = rotate(k, turns).repeat_interleave(more, 1), v.repeat_interleave(more, 1)
        y = F.scaled_dot_product_attention(rotate(q, turns), k, v, is_causal=True)
        out: torch.Tensor = self.o_proj(y.transpose(1, 2).flatten(2))
        return out


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, T, H] to the same shape."""
        out: torch.Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """Attention, then SwiGLU, each on a normed input around a shortcut."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, eps = config["hidden_size"], config["rms_norm_eps"]
        self.self_attn = Attention(config)
        self.mlp = Mlp(width, config["intermediate_size"])
        self.input_layernorm = Norm(width, eps)
        self.post_attention_layernorm = Norm(width, eps)

    def forward(self, x: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """[B, T, H] to the same shape."""
        x = x + self.self_attn(self.input_layernorm(x), turns)
        out: torch.Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Blocks(nn.Module):
    """Embeddings and lower blocks.

    Args:
        config: of the language model, as transformers keeps it.
        depth: how many blocks.
    """

    table: torch.Tensor

    def __init__(self, config: Mapping[str, Any], depth: int) -> None:
        super().__init__()
        self.width: int = config["hidden_size"]
        self.size: int = config.get("head_dim") or self.width // config["num_attention_heads"]
        rotary = config.get("rope_parameters") or {}
        self.theta = float(rotary.get("rope_theta") or config.get("rope_theta") or 10_000.0)
        self.layers = nn.ModuleList(Layer(config) for _ in range(depth))
        empty = torch.zeros(config["vocab_size"], self.width)
        self.register_buffer("table", empty, persistent=False)

    @classmethod
    def load(cls, folder: Path, depth: int, table: torch.Tensor | None = None) -> Blocks:
        """From a language model's folder; bfloat16, frozen.

        Args:
            folder: as transformers keeps a Llama.
            depth: how many blocks.
            table: [V, H] embeddings that are loaded already; None reads them.
        """
        from safetensors import safe_open

        config = json.loads((folder / "config.json").read_text("utf-8"))
        with torch.device("meta"):
            blocks = cls(config, depth)
        state: dict[str, torch.Tensor] = {}
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, "pt") as file:
                for name in file.keys():  # noqa: SIM118, it is no mapping
                    own = name.removeprefix("model.")
                    if own == "embed_tokens.weight" and table is None:
                        table = file.get_tensor(name)
                    elif own.startswith("layers.") and int(own.split(".")[1]) < depth:
                        state[own] = file.get_tensor(name).bfloat16()
        blocks.load_state_dict(state, assign=True)
        assert table is not None
        blocks.table = table.bfloat16()
        return blocks.requires_grad_(False)

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """States [B, T, H] of tokens [B, T]: embedded, after the first and after the last block."""
        embedded = first = x = self.table[ids]
        turns = angles(ids.shape[1], self.size, self.theta, x.dtype)
        for number, layer in enumerate(self.layers):
            x = layer(x, turns)
            first = x if number == 0 else first
        return embedded, first, x


def angles(
    count: int, size: int, theta: float, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines [count, size] of rotary positions."""
    rates = theta ** (-torch.arange(0, size, 2) / size)
    turns = torch.outer(torch.arange(count), rates).repeat(1, 2)
    return turns.cos().to(dtype), turns.sin().to(dtype)


def rotate(x: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Turn pairs of [B, heads, T, size] by their position."""
    low, high = x.chunk(2, -1)
    return x * turns[0] + torch.cat([-high, low], -1) * turns[1]
