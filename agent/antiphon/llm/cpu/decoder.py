"""A decoder for a few steps at a time: streaming inference without a framework's overhead.

Llama's layers, and those of Qwen2 (biases on queries, keys and values) and Qwen3 (queries and keys
normed in every head).

Writing one token reads every weight once, so a decoder is as fast as its weights are small
(`antiphon.llm.cpu.quantized`). Queries, keys and values are one product, and so are gate and up.
Weights come from a state dict with the names of transformers' LlamaModel, which
`antiphon.llm.llama.Llama` shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch.nn import functional as F

from antiphon.llm.cpu.nbits import Product
from antiphon.llm.cpu.quantized import Quantizer, int8
from antiphon_codecs.interruption import checkpoint

SPARE_STEPS = 64
"""Steps a new buffer has to spare."""


class Buffer:
    """Keys and values of all layers, with room to spare.

    Args:
        keys: [layers, heads, room, head] float32.
        values: the same.
        filled: steps written.
    """

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, filled: int) -> None:
        self.keys, self.values, self.filled = keys, values, filled


@dataclass(frozen=True)
class Cache:
    """What a stream of steps remembers: a value that can be kept and gone on from again.

    The steps of one stream share a buffer and append to it; going on from an earlier step copies
    what it needs first.
    """

    buffer: Buffer
    length: int
    """Steps of the buffer that belong to this stream."""
    position: int
    """Index of the next step, for the rotary angles."""

    def room(self, steps: int, window: int) -> Cache:
        """The same, with room for more steps behind it that no other cache uses.

        Args:
            steps: to come.
            window: steps to keep where a new buffer has to be made; 0 keeps all.
        """
        own = self.buffer.filled == self.length
        if own and self.length + steps <= self.buffer.keys.shape[2]:
            return self
        kept = min(self.length, window) if window else self.length
        layers, heads, _, head = self.buffer.keys.shape
        shape = (layers, heads, kept + steps + max(SPARE_STEPS, kept), head)
        keys, values = torch.empty(shape), torch.empty(shape)
        old = slice(self.length - kept, self.length)
        keys[:, :, :kept] = self.buffer.keys[:, :, old]
        values[:, :, :kept] = self.buffer.values[:, :, old]
        return Cache(Buffer(keys, values, kept), kept, self.position)

    def sealed(self) -> Cache:
        """The same in a full buffer: each continuation makes a new one, so threads can share it."""
        keys, values = (
            t[:, :, : self.length].clone() for t in (self.buffer.keys, self.buffer.values)
        )
        return Cache(Buffer(keys, values, self.length), self.length, self.position)


@dataclass(frozen=True)
class Layer:
    """Weights of one layer."""

    qkv: Product
    out: Product
    gate_up: Product
    down: Product
    before: torch.Tensor
    """[width] gain of the norm before attention."""
    between: torch.Tensor
    """[width] gain of the norm between attention and perceptron."""
    bias: torch.Tensor | None = None
    """[(heads + 2 kv_heads) * head] added to queries, keys and values."""
    head_gain: torch.Tensor | None = None
    """[heads + kv_heads, 1, head] gain of the norm of every query and key."""

    @classmethod
    def of(
        cls,
        state: Mapping[str, torch.Tensor],
        linear: Quantizer,
        heads: int,
        kv_heads: int,
    ) -> Layer:
        """A layer of weights named as in transformers' LlamaDecoderLayer and Qwen3DecoderLayer."""

        def joined(*names: str) -> Product:
            return linear(torch.cat([state[f"{name}.weight"] for name in names]))

        bias = gain = None
        if "self_attn.q_proj.bias" in state:
            bias = torch.cat([state[f"self_attn.{name}_proj.bias"].float() for name in "qkv"])
        if "self_attn.q_norm.weight" in state:
            q, k = (state[f"self_attn.{name}_norm.weight"].float() for name in "qk")
            gain = torch.cat([q.expand(heads, 1, -1), k.expand(kv_heads, 1, -1)])
        return cls(
            joined("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            joined("self_attn.o_proj"),
            joined("mlp.gate_proj", "mlp.up_proj"),
            joined("mlp.down_proj"),
            state["input_layernorm.weight"].float(),
            state["post_attention_layernorm.weight"].float(),
            bias,
            gain,
        )


@dataclass(frozen=True)
class CpuDecoder:
    """A decoder stack over given input vectors, for inference."""

    layers: tuple[Layer, ...]
    norm: torch.Tensor
    """[width] gain of the last norm."""
    heads: int
    """Of the queries."""
    kv_heads: int
    """Of keys and values."""
    head: int
    """Width of a head."""
    theta: float = 10_000.0
    """Base of the rotary angles."""
    eps: float = 1e-5
    """Of the norms."""
    window: int = 0
    """Steps a step can look back, itself included; 0: to the beginning."""

    @classmethod
    def of(
        cls,
        state: Mapping[str, torch.Tensor],
        heads: int,
        kv_heads: int,
        *,
        linear: Quantizer = int8,
        **more: float,
    ) -> CpuDecoder:
        """The decoder with weights named as in transformers' LlamaModel.

        Args:
            state: the weights; embeddings are not needed.
            heads: of the queries.
            kv_heads: of keys and values.
            linear: makes products of weights: `int8` or `exact`.
            more: theta, eps, window.
        """
        blocks: dict[int, dict[str, torch.Tensor]] = {}
        for name, weight in state.items():
            if name.startswith("layers."):
                _, number, rest = name.split(".", 2)
                blocks.setdefault(int(number), {})[rest] = weight.detach()
        head = len(blocks[0]["self_attn.q_proj.weight"]) // heads
        layers = tuple(Layer.of(blocks[i], linear, heads, kv_heads) for i in sorted(blocks))
        norm = state["norm.weight"].detach().float()
        return cls(layers, norm, heads, kv_heads, head, **more)  # type: ignore[arg-type]

    @cached_property
    def rates(self) -> torch.Tensor:
        """[head / 2] how far a step turns each pair of features."""
        return self.theta ** (-torch.arange(0, self.head, 2).float() / self.head)

    def start(self) -> Cache:
        """The cache before the first step."""
        nothing = torch.zeros(len(self.layers), self.kv_heads, 0, self.head)
        return Cache(Buffer(nothing, nothing, 0), 0, 0)

    @torch.inference_mode()
    def step(self, x: torch.Tensor, cache: Cache) -> tuple[torch.Tensor, Cache]:
        """Run N steps.

        Args:
            x: [N, width] float32 inputs.
            cache: from `start` or the step before.

        Returns:
            [N, width] normed outputs, and the cache grown by N.
        """
        steps = len(x)
        cache = cache.room(steps, self.window)
        buffer, length = cache.buffer, cache.length
        end = length + steps
        turned = self.rates[None] * cache.position
        if steps > 1:
            turned = turned + torch.arange(steps)[:, None] * self.rates
        cos, sin = turned.cos(), turned.sin()
        mask = None if steps == 1 else self._mask(steps, end)
        first = max(0, end - self.window) if self.window and steps == 1 else 0
        rotated = self.heads + self.kv_heads
        for i, layer in enumerate(self.layers):
            checkpoint()
            y = layer.qkv(self._normed(x, layer.before))
            if layer.bias is not None:
                y = y + layer.bias
            y = y.view(steps, -1, self.head).transpose(0, 1)
            qk = y[:rotated]
            if layer.head_gain is not None:
                qk = self._normed(qk, layer.head_gain)
            qk = rotate(qk, cos, sin)
            buffer.keys[i, :, length:end] = qk[self.heads :]
            buffer.values[i, :, length:end] = y[rotated:]
            seen = self._attend(
                qk[: self.heads], buffer.keys[i, :, first:end], buffer.values[i, :, first:end], mask
            )
            x = x + layer.out(seen)
            y = layer.gate_up(self._normed(x, layer.between))
            gate, up = y.chunk(2, -1)
            x = x + layer.down(F.silu(gate) * up)
        buffer.filled = end
        return self._normed(x, self.norm), Cache(buffer, end, cache.position + steps)

    def _normed(self, x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        # A third of the time of PyTorch's own for a single step.
        return x * x.square().mean(-1, keepdim=True).add_(self.eps).rsqrt_() * gain

    def _attend(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """[N, heads * head] of queries [heads, N, head], keys and values [kv_heads, T, head]."""
        steps = q.shape[1]
        q = q.reshape(self.kv_heads, -1, self.head)
        scores = (q @ k.mT) * self.head**-0.5
        if mask is not None:
            scores = (scores.view(-1, steps, k.shape[1]) + mask).view(scores.shape)
        seen = (scores.softmax(-1) @ v).view(self.heads, steps, self.head)
        return seen.transpose(0, 1).reshape(steps, -1)

    def _mask(self, steps: int, end: int) -> torch.Tensor:
        """[N, T] 0 where a step may look and -inf where not."""
        at, to = torch.arange(end - steps, end)[:, None], torch.arange(end)
        hidden = to > at
        if self.window:
            hidden |= to <= at - self.window
        return torch.zeros(steps, end).masked_fill(hidden, -torch.inf)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn x [heads, N, head] by angles given as cosines and sines [N, head / 2]."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
