"""A decoder's layers as one graph of onnxruntime.

Llama's layers, and those of Qwen2 (biases on queries, keys and values) and Qwen3 (queries and keys
normed in every head). Queries, keys and values are one product, and so are gate and up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from antiphon.compute.onnx_graph import GROUP, Graph
from antiphon.llm.cpu.quantized import Quantizer, Weights

LAYER, NORM, HEAD = "layer-{:03}.safetensors", "norm.safetensors", "head.safetensors"
"""Files of a packed decoder."""
OWN = "com.microsoft"
"""onnxruntime's domain of operations."""

Stored = Mapping[str, tuple[str, list[int]]]
"""What `Graph.stored` gives."""


@dataclass(frozen=True)
class DecoderShape:
    """Sizes of a decoder, and what its layers have in common."""

    layers: int
    width: int
    heads: int
    """Of the queries."""
    kv_heads: int
    """Of keys and values."""
    head: int
    """Width of a head."""
    theta: float
    """Base of the rotary angles."""
    eps: float
    """Of the norms."""


def packed_layer(state: Mapping[str, torch.Tensor], linear: Quantizer) -> Weights:
    """What is kept of a layer.

    Args:
        state: weights named as in transformers' LlamaDecoderLayer and Qwen3DecoderLayer.
        linear: makes products of weights.
    """

    def joined(*names: str) -> torch.Tensor:
        return torch.cat([state[f"{name}.weight"] for name in names])

    qkv = [f"self_attn.{name}_proj" for name in "qkv"]
    products = {
        "qkv": joined(*qkv),
        "out": joined("self_attn.o_proj"),
        "gate_up": joined("mlp.gate_proj", "mlp.up_proj"),
        "down": joined("mlp.down_proj"),
    }
    kept = {
        "before": state["input_layernorm.weight"].float(),
        "between": state["post_attention_layernorm.weight"].float(),
    }
    if f"{qkv[0]}.bias" in state:
        kept["bias"] = torch.cat([state[f"{name}.bias"].float() for name in qkv])
    if "self_attn.q_norm.weight" in state:
        kept |= {f"{name}_norm": state[f"self_attn.{name}_norm.weight"].float() for name in "qk"}
    for name, weight in products.items():
        kept |= packed_product(name, linear(weight))
    return kept


def packed_product(name: str, weights: Weights) -> Weights:
    """What is kept of a product, below a name."""
    return {f"{name}.{part}": tensor.contiguous() for part, tensor in weights.items()}


def head_session(folder: Path, width: int, threads: int) -> Any:
    """A session from `x` [1, N, width] to the logits [1, N, V] of a packed head."""
    graph = Graph(folder)
    logits = product(graph, "x", graph.stored(HEAD), "head", width)
    return graph.session({"x": (1, "steps", width)}, [logits], threads)


def decoder_session(folder: Path, shape: DecoderShape, threads: int) -> tuple[Any, list[str]]:
    """A session that runs some steps through all layers.

    Its inputs are `x` [1, N, width], `seen` [1] the last step's index, `length` [1] one more,
    `cos` and `sin` [room, head / 2] the rotary angles, and `keys0`, `values0`, ... [1, kv_heads,
    room, head]. If the same memory is given for the keys and values that come out, the new ones
    are written into it.

    Returns:
        The session and the names of its outputs: the normed states, then keys and values of every
        layer in turn.
    """
    graph = Graph(folder)
    norm, _ = graph.stored(NORM)["norm"]
    room = (1, shape.kv_heads, "room", shape.head)
    inputs: dict[str, tuple[int | str, ...]] = {"x": (1, "steps", shape.width)}
    inputs |= dict.fromkeys(("cos", "sin"), ("room", shape.head // 2))
    kept: list[str] = []

    def added(x: str, y: str, gain: str) -> tuple[str, str]:
        """The normed sum, and the sum."""
        more = graph.several(
            "SkipSimplifiedLayerNormalization", 4, x, y, gain, domain=OWN, epsilon=shape.eps
        )
        return more[0], more[3]

    x, y = "x", ""
    for number in range(shape.layers):
        parts = graph.stored(LAYER.format(number))
        gain = parts["before"][0]
        if y:
            normed, x = added(x, y, gain)
        else:
            normed = _norm(graph, x, gain, shape.eps)
        seen, *more = _attention(graph, normed, parts, shape, number)
        inputs |= dict.fromkeys((f"keys{number}", f"values{number}"), room)
        kept += more
        out = product(graph, seen, parts, "out", shape.heads * shape.head)
        normed, x = added(x, out, parts["between"][0])
        y = _perceptron(graph, normed, parts, shape.width)
    states, _ = added(x, y, norm)
    outputs = [states, *kept]
    return graph.session(inputs, outputs, threads, counts=("seen", "length")), outputs


def _norm(graph: Graph, x: str, gain: str, eps: float) -> str:
    return graph("SimplifiedLayerNormalization", x, gain, axis=-1, epsilon=eps)


def _attention(
    graph: Graph, x: str, parts: Stored, shape: DecoderShape, number: int
) -> tuple[str, ...]:
    """What the heads see, and all keys and values."""
    bias = parts["bias"][0] if "bias" in parts else ""
    y = product(graph, x, parts, "qkv", shape.width, bias)
    qkv = [y, "", ""]
    if "q_norm" in parts:
        sizes = [shape.head * heads for heads in (shape.heads, shape.kv_heads, shape.kv_heads)]
        qkv = graph.several("Split", 3, y, graph.constant(sizes), axis=-1)
        by_heads = graph.constant([0, 0, -1, shape.head])
        flat = graph.constant([0, 0, -1])
        for i, name in enumerate(("q_norm", "k_norm")):
            rows = graph("Reshape", qkv[i], by_heads)
            normed = _norm(graph, rows, parts[name][0], shape.eps)
            qkv[i] = graph("Reshape", normed, flat)
    return tuple(
        graph.several(
            "GroupQueryAttention",
            3,
            *qkv,
            f"keys{number}",
            f"values{number}",
            "seen",
            "length",
            "cos",
            "sin",
            domain=OWN,
            num_heads=shape.heads,
            kv_num_heads=shape.kv_heads,
            do_rotary=1,
        )
    )


def _perceptron(graph: Graph, x: str, parts: Stored, width: int) -> str:
    y = product(graph, x, parts, "gate_up", width)
    gate, up = graph.several("Split", 2, y, axis=-1)
    y = graph("Mul", graph("QuickGelu", gate, domain=OWN, alpha=1.0), up)
    return product(graph, y, parts, "down", parts["gate_up.weight"][1][0] // 2)


def product(graph: Graph, x: str, parts: Stored, name: str, inputs: int, bias: str = "") -> str:
    """The product of x [..., inputs] with what `packed_product` kept."""
    weight, shape = parts[f"{name}.weight"]
    if f"{name}.scale" not in parts:
        y = graph("FusedMatMul", x, weight, domain=OWN, transB=1)
        return graph("Add", y, bias) if bias else y
    scale, _ = parts[f"{name}.scale"]
    bits = 8 * shape[2] // GROUP
    zero = ""
    if bits == 4:
        # See `quantized`: behind the inputs stand the sums of their groups.
        groups = graph("Reshape", x, graph.constant([0, 0, -1, GROUP]))
        sums = graph("ReduceSum", groups, graph.constant([-1]), keepdims=0)
        x, inputs = graph("Concat", x, sums, axis=-1), inputs + inputs // GROUP
        zero, _ = parts[f"{name}.zero"]
    more = [zero, "", bias] if bias else [zero] if zero else []
    return graph.bits_product(x, weight, scale, *more, shape=(shape[0], inputs), bits=bits)
