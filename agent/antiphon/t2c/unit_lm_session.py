"""The unit LM step by step, by onnxruntime.

A step is a hundred small operations, and there are fifty for every second of speech: PyTorch takes
three times as long to call them as the processor to carry them out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.compute.onnx_graph import Graph
from antiphon.llm.llama import Layer, Llama
from antiphon_codecs.interruption import checkpoint

EPS = 1e-5
"""Of the norms."""


@dataclass(frozen=True)
class UnitLMCache:
    """What a stream of steps remembers; never changed in place."""

    arrays: tuple[NDArray[np.float32], ...]
    """Keys and values [1, heads, T, head] of every layer in turn."""
    position: int = 0
    """Index of the next step, for the rotary angles."""


class UnitLMSession:
    """Decoder stack and head as they were when this was made, for single steps.

    Args:
        stack: of the unit LM.
        head: [words, width] weights of its head.
        window: steps a step can look back, itself included.
        light: with weights and inputs of products in int8.
    """

    def __init__(self, stack: Llama, head: torch.Tensor, window: int, *, light: bool) -> None:
        self.config, self.window = stack.config, window
        half = stack.config.width // stack.config.heads // 2
        self._rates = stack.config.theta ** (-np.arange(half) / half)
        graph = Graph()
        product = graph.rounded_product if light else graph.product
        heads, width = stack.config.heads, stack.config.width
        size = width // heads
        inputs = {"x": (1, width), "cos": (1, half), "sin": (1, half)}
        shapes: dict[str, tuple[int | str, ...]] = {**inputs}
        once = graph.constant(np.zeros((1, 1), np.int64))
        by_heads = graph.constant(np.array([1, 3 * heads, 1, size]))
        flat = graph.constant(np.array([1, width]))
        turned_and_not = graph.constant(np.array([2 * heads, heads]))
        kept: list[str] = []

        def normed(x: str, gain: torch.Tensor) -> str:
            return graph(
                "SimplifiedLayerNormalization", x, graph.constant(gain), axis=-1, epsilon=EPS
            )

        def remembered(name: str, new: str) -> str:
            shapes[name] = (1, heads, "past", size)
            kept.append(graph("Concat", name, new, axis=2))
            return kept[-1]

        def layer(x: str, number: int, weights: Layer) -> str:
            attention, mlp = weights.self_attn, weights.mlp
            qkv = torch.cat([getattr(attention, f"{name}_proj").weight for name in "qkv"])
            y = graph("Reshape", product(normed(x, weights.input_layernorm.weight), qkv), by_heads)
            qk, v = graph.several("Split", 2, y, turned_and_not, axis=1)
            qk = graph("RotaryEmbedding", qk, once, "cos", "sin", domain="com.microsoft")
            q, k = graph.several("Split", 2, qk, axis=1)
            keys, values = remembered(f"keys{number}", k), remembered(f"values{number}", v)
            scores = graph(
                "FusedMatMul", q, keys, domain="com.microsoft", transB=1, alpha=size**-0.5
            )
            seen = graph("MatMul", graph("Softmax", scores, axis=-1), values)
            x = graph("Add", x, product(graph("Reshape", seen, flat), attention.o_proj.weight))
            gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
            y = product(normed(x, weights.post_attention_layernorm.weight), gate_up)
            gate, up = graph.several("Split", 2, y, axis=-1)
            y = graph("Mul", graph("Mul", gate, graph("Sigmoid", gate)), up)
            return graph("Add", x, product(y, mlp.down_proj.weight))

        x = "x"
        for number, weights in enumerate(stack.layers):
            assert isinstance(weights, Layer)
            x = layer(x, number, weights)
        logits = product(normed(x, stack.norm.weight), head)
        self._names = list(shapes)
        self._session = graph.session(shapes, [logits, *kept])

    def start(self) -> UnitLMCache:
        """The cache before the first step."""
        heads = self.config.heads
        nothing = np.zeros((1, heads, 0, self.config.width // heads), np.float32)
        return UnitLMCache((nothing,) * (2 * self.config.layers))

    def step(
        self, x: NDArray[np.float32], cache: UnitLMCache
    ) -> tuple[NDArray[np.float32], UnitLMCache]:
        """Run one step.

        Args:
            x: [width] input.
            cache: from `start` or the step before.

        Returns:
            [words] logits, and the cache grown by one step.
        """
        checkpoint()
        angles = (cache.position * self._rates)[None]
        past = cache.arrays
        if past[0].shape[2] >= self.window:
            past = tuple(array[:, :, 1 - self.window :] for array in past)
        inputs = (x[None], np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32))
        given = dict(zip(self._names, (*inputs, *past), strict=True))
        logits, *kept = self._session.run(None, given)
        return logits[0], UnitLMCache(tuple(kept), cache.position + 1)
