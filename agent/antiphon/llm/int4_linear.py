"""A product with weights of four bits, in onnxruntime's kernel for them.

A scale for every group of 32 weights and an offset for it, as llama.cpp's Q4_K has, so that weights
which came that way stay what they were. The kernel rounds its inputs to eight bits, group by
group, and multiplies whole numbers. One thread nearly fills the memory's bandwidth, so a single
step takes one and leaves the other cores to the voice; many steps are shared out among threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

GROUP = 32
"""Weights of a row that share a scale and an offset."""
ROWS = 64
"""Rows that are rounded at a time, so few that they stay in the processor's cache."""
SHARE = 4
"""Steps a thread takes at least."""


@dataclass(frozen=True)
class Int4Linear:
    """A product with a matrix of weights [out, in].

    The kernel's offsets are whole steps. What is left of each group's offset is a weight of its
    own, behind the others: of the sum of the group's inputs.
    """

    packed: torch.Tensor
    """[out, groups, GROUP / 2] uint8, two weights each, the first in the low bits."""
    scale: torch.Tensor
    """[out, groups] float32."""
    zero: torch.Tensor
    """[out, (groups + 1) / 2] uint8, the steps that stand for 0, two each."""

    @classmethod
    def of(cls, weight: torch.Tensor) -> Int4Linear:
        """Round weights [out, in]; see `takes_int4`."""
        steps, scale, middle = in_sixteen_steps(weight)
        zero = (8 - middle / scale).round_().clamp_(0, 15)
        # Padded to whole groups; their step 8 stands for 0.
        left = F.pad(middle - (8 - zero) * scale, (0, -scale.shape[1] % GROUP))
        left = left.unflatten(1, (-1, GROUP))
        left_scale = (left.abs().amax(-1) / 7).clamp_(min=1e-12)
        left_steps = (left / left_scale[..., None]).round_().add_(8)
        return cls(
            pairs(torch.cat([steps, left_steps], 1)),
            torch.cat([scale, left_scale], 1).contiguous(),
            pairs(torch.cat([zero, torch.full_like(left_scale, 8)], 1)),
        )

    def loaded(self) -> Loaded:
        """The product alone: the kernel keeps a copy of the weights in an order of its own."""
        return Loaded(_session(self))

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in] float32 to [N, out] float32; slow, see `loaded`."""
        return self.loaded()(x)


@dataclass(frozen=True)
class Loaded:
    """A product whose weights only the kernel has."""

    session: Any
    """An `onnxruntime.InferenceSession`, which any number of threads may run."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in] float32 to [N, out] float32."""
        sums = x.unflatten(1, (-1, GROUP)).sum(-1)
        full = torch.cat([x, F.pad(sums, (0, -sums.shape[1] % GROUP))], 1).numpy()
        threads = min(torch.get_num_threads(), len(full) // SHARE)
        if threads < 2:
            return torch.from_numpy(self._run(full))
        parts = np.array_split(full, threads)
        others = [_threads().submit(self._run, part) for part in parts[1:]]
        done = [self._run(parts[0]), *(other.result() for other in others)]
        return torch.from_numpy(np.concatenate(done))

    def _run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        y: NDArray[np.float32] = self.session.run(None, {"x": x})[0]
        return y


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="antiphon-int4")


def _session(product: Int4Linear) -> Any:
    """An `onnxruntime.InferenceSession` of a graph with nothing but the product."""
    import onnxruntime
    from onnx import TensorProto, helper

    rows, groups, _ = product.packed.shape
    columns = groups * GROUP
    weights = {
        "packed": (product.packed.numpy(), TensorProto.UINT8),
        "scale": (product.scale.flatten().numpy(), TensorProto.FLOAT),
        "zero": (product.zero.flatten().numpy(), TensorProto.UINT8),
    }
    node = helper.make_node(
        "MatMulNBits",
        ["x", *weights],
        ["y"],
        domain="com.microsoft",
        K=columns,
        N=rows,
        bits=4,
        block_size=GROUP,
        accuracy_level=4,  # inputs in int8
    )
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["steps", columns])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["steps", rows])],
    )
    for name, (array, kind) in weights.items():
        graph.initializer.append(_elsewhere(name, array, kind))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array, _ in weights.values()]
    options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _elsewhere(name: str, array: NDArray[Any], kind: int) -> Any:
    """A tensor whose values are given beside the model, so that they are never copied into it."""
    from onnx import TensorProto

    tensor = TensorProto(
        name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL
    )
    for key, value in (("location", name), ("offset", 0), ("length", array.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def pairs(steps: torch.Tensor) -> torch.Tensor:
    """Two numbers from 0 to 15 in each byte: [..., N] to [..., (N + 1) / 2] uint8."""
    even = F.pad(steps, (0, steps.shape[-1] % 2)).to(torch.uint8)
    return (even[..., 0::2] | even[..., 1::2] << 4).contiguous()


def in_sixteen_steps(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The nearest weights of four bits.

    Args:
        weight: [out, in].

    Returns:
        [out, groups, GROUP] steps from 0 to 15; [out, groups] the scale of a step and what step 8
        stands for.
    """
    parts = [_rounded(rows.float().unflatten(1, (-1, GROUP))) for rows in weight.split(ROWS)]
    steps, scale, middle = (torch.cat(part) for part in zip(*parts, strict=True))
    return steps, scale, middle


def _rounded(groups: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Steps, scales and middles of [rows, groups, GROUP] weights.

    A group that came in four bits seldom uses both ends of its range, so several steps are tried.
    """
    low, high = groups.aminmax(dim=-1)
    best = torch.full(low.shape, torch.inf)
    scale, middle = torch.empty_like(low), torch.empty_like(low)
    for used in range(15, 7, -1):
        step = ((high - low) / used).clamp_(min=1e-8)
        at = low + 8 * step
        error = meant(_steps(groups, step, at), step, at).sub_(groups).square_().sum(-1)
        better = error < best
        best = torch.where(better, error, best)
        scale, middle = torch.where(better, step, scale), torch.where(better, at, middle)
    return _steps(groups, scale, middle), scale, middle


def _steps(groups: torch.Tensor, scale: torch.Tensor, middle: torch.Tensor) -> torch.Tensor:
    """[out, groups, GROUP] the nearest of 16 steps, 0 to 15."""
    return (groups - middle[..., None]).div_(scale[..., None]).add_(8).round_().clamp_(0, 15)


def meant(steps: torch.Tensor, scale: torch.Tensor, middle: torch.Tensor) -> torch.Tensor:
    """The weights that steps stand for."""
    return (steps - 8).mul_(scale[..., None]).add_(middle[..., None])


def takes_int4(weight: torch.Tensor) -> bool:
    """Whether a matrix [out, in] has whole groups."""
    return weight.shape[1] % GROUP == 0


def int4_error(weight: torch.Tensor) -> float:
    """What int4 costs a matrix: root mean square of the error over that of the weights."""
    back = meant(*in_sixteen_steps(weight)).flatten(1)
    weight = weight.float()
    return float((back - weight).norm() / weight.norm())
