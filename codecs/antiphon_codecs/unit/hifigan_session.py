"""HiFi-GAN by onnxruntime: the same samples in two thirds of PyTorch's time on a CPU."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from antiphon.compute.onnx_graph import Graph
from antiphon_codecs.codec import Pcm
from antiphon_codecs.interruption import checkpoint
from antiphon_codecs.unit.hifigan import KERNELS, HifiGan, ResBlock


class HifiGanSession:
    """A generator as it was when this was made.

    Args:
        generator: whose weights are taken.
    """

    def __init__(self, generator: HifiGan) -> None:
        self._generator = generator
        self._sessions: dict[int, Any] = {}

    def __call__(self, latent: torch.Tensor) -> Pcm:
        """Samples [T * 256] of a latent [T, 192], T > 0, on as many threads as PyTorch takes."""
        checkpoint()
        threads = torch.get_num_threads()
        if threads not in self._sessions:
            self._sessions[threads] = session(self._generator, threads)
        sound: Pcm = self._sessions[threads].run(None, {"latent": latent[None].numpy()})[0]
        return sound[0, 0]

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """A copy of a codec makes its own: sessions cannot be copied."""


def session(generator: HifiGan, threads: int) -> Any:
    """An `onnxruntime.InferenceSession` of a generator: [1, T, latent] to [1, 1, T * HOP]."""
    graph = Graph()

    def convolved(layer: nn.Module, x: str) -> str:
        """A convolution, transposed or not, that keeps the length or multiplies it."""
        layer = cast(nn.Conv1d, layer)
        kind = "ConvTranspose" if isinstance(layer, nn.ConvTranspose1d) else "Conv"
        (padding,) = cast(tuple[int], layer.padding)
        weights = [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
        return graph(
            kind,
            x,
            *map(graph.constant, weights),
            kernel_shape=layer.kernel_size,
            strides=layer.stride,
            dilations=layer.dilation,
            pads=(padding, padding),
        )

    def leaky(x: str, slope: float = 0.1) -> str:
        return graph("LeakyRelu", x, alpha=slope)

    x = convolved(generator.conv_pre, graph("Transpose", "latent", perm=(0, 2, 1)))
    for i, up in enumerate(generator.ups):
        x = convolved(up, leaky(x))
        found = []
        for block in generator.resblocks[i * len(KERNELS) : (i + 1) * len(KERNELS)]:
            y = x
            for conv in cast(ResBlock, block).convs:
                y = graph("Add", y, convolved(conv, leaky(y)))
            found.append(y)
        x = graph("Mean", *found)
    x = graph("Tanh", convolved(generator.conv_post, leaky(x, 0.01)))
    return graph.session({"latent": (1, "frames", generator.conv_pre.in_channels)}, [x], threads)
