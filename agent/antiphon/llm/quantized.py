"""Products with matrices of weights that are kept in few bits, for a CPU.

Writing a token is bound by memory: half of the bits are half of the time. int8 has a scale for
every row, int4 a scale and an offset for every group of 32 weights, as llama.cpp's Q4_K has, so
that weights which came that way stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional as F

Product = Callable[[torch.Tensor], torch.Tensor]
"""[N, in] to [N, out]."""
Quantizer = Callable[[torch.Tensor], Product]
"""Makes a product of weights [out, in]."""

FEW, SOME = 4, 20
"""Steps up to which a product is bound by memory, and up to which the kernel that unpacks weights
as it goes is faster than unpacking them first."""
WHOLE: bool = getattr(torch.cpu, "_is_vnni_supported", lambda: False)()
"""Whether this processor multiplies int8 by int8 (VNNI): many steps are then read in half of
the time."""
GROUP = 32
"""Weights of a row that share an int4 scale and offset."""
ROWS = 64
"""Rows that are rounded at a time, so few that they stay in the processor's cache."""
SAMPLE = 256
"""Rows of a matrix that show what int4 would cost it."""
LOSSLESS = 0.02
"""Relative error of int4 (root of the mean square) up to which a matrix is kept in it."""


@dataclass(frozen=True)
class Int8Linear:
    """A product with a matrix of weights, one scale for every row of it."""

    weight: torch.Tensor
    """[out, in] int8."""
    scale: torch.Tensor
    """[out] bfloat16."""

    @classmethod
    def of(cls, weight: torch.Tensor) -> Int8Linear:
        """Round weights [out, in].

        Raises:
            ValueError: if the inputs do not come in sixteens, which is what the kernel takes.
        """
        if weight.shape[1] % 16:
            raise ValueError(f"{weight.shape[1]} inputs cannot be had in int8: 16 divides them not")
        # One part in 254 is left to spare, so that rounding never leaves the range of int8.
        scale = (weight.float().abs().amax(1).clamp(min=1e-8) / 126.5).bfloat16()
        rows = weight.float() if weight.dtype != torch.float32 else weight.clone()
        return cls(rows.div_(scale.float()[:, None]).round_().to(torch.int8), scale)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in] float32 to [N, out] float32.

        Up to `SOME` inputs are rounded to bfloat16; more than `FEW`, if the processor can, to int8
        with a scale for every row (Dettmers et al. 2022, section 2.1).
        """
        if WHOLE and len(x) > FEW:
            scale = x.abs().amax(-1, keepdim=True).clamp_(min=1e-8) / 127
            whole = torch._int_mm((x / scale).round_().to(torch.int8), self.weight.T)
            return whole.float() * scale * self.scale.float()
        if len(x) > SOME:
            # Not bfloat16: processors without instructions for it take eight times as long.
            return F.linear(x, self.weight.float()) * self.scale.float()
        return torch._weight_int8pack_mm(x.bfloat16(), self.weight, self.scale).float()


@dataclass(frozen=True)
class Int4Linear:
    """A product with a matrix of weights, a scale and an offset for every `GROUP` of a row."""

    packed: torch.Tensor
    """[out, in / 2] uint8, two weights each, in the order of this processor's kernel."""
    scale: torch.Tensor
    """[in / GROUP, out, 2] bfloat16: scale, and what the middle of the 16 steps stands for."""

    @classmethod
    def of(cls, weight: torch.Tensor) -> Int4Linear:
        """Round weights [out, in]; see `takes_int4`."""
        steps, scale = _in_sixteen_steps(weight)
        packed = torch._convert_weight_to_int4pack_for_cpu(steps, 1)
        return cls(packed, scale)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in] float32 to [N, out] float32."""
        y = torch._weight_int4pack_mm_for_cpu(x.bfloat16(), self.packed, GROUP, self.scale)
        return y.float()


def _in_sixteen_steps(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights [out, in] as int32 from 0 to 15, and the scales and offsets of their groups."""
    rounded = [_rounded(rows.float().unflatten(1, (-1, GROUP))) for rows in weight.split(ROWS)]
    steps, scale, middle = (torch.cat(parts) for parts in zip(*rounded, strict=True))
    scales = torch.stack([scale, middle], -1).transpose(0, 1).bfloat16().contiguous()
    return steps.flatten(1), scales


def _rounded(groups: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Steps, scales and offsets of [rows, groups, GROUP] weights.

    A group that came in four bits seldom uses both ends of its range, so several steps are tried.
    """
    low, high = groups.aminmax(dim=-1)
    best = torch.full(low.shape, torch.inf)
    scale, middle = torch.empty_like(low), torch.empty_like(low)
    for used in range(15, 7, -1):
        step = ((high - low) / used).clamp_(min=1e-8).bfloat16().float()
        at = (low + 8 * step).bfloat16().float()
        error = _of(_steps(groups, step, at), step, at).sub_(groups).square_().sum(-1)
        better = error < best
        best = torch.where(better, error, best)
        scale, middle = torch.where(better, step, scale), torch.where(better, at, middle)
    return _steps(groups, scale, middle).to(torch.int32), scale, middle


def _steps(groups: torch.Tensor, scale: torch.Tensor, middle: torch.Tensor) -> torch.Tensor:
    """[out, groups, GROUP] the nearest of 16 steps, 0 to 15."""
    return (groups - middle[..., None]).div_(scale[..., None]).add_(8).round_().clamp_(0, 15)


def _of(steps: torch.Tensor, scale: torch.Tensor, middle: torch.Tensor) -> torch.Tensor:
    """What steps stand for."""
    return (steps - 8).mul_(scale[..., None]).add_(middle[..., None])


def takes_int4(weight: torch.Tensor) -> bool:
    """Whether the kernel takes a matrix [out, in]."""
    return weight.shape[0] % 64 == 0 and weight.shape[1] % GROUP == 0


def int4_error(weight: torch.Tensor) -> float:
    """What int4 costs a matrix: root mean square of the error over that of the weights."""
    steps, scale = _in_sixteen_steps(weight)
    scales, middles = scale.float().transpose(0, 1).unbind(-1)
    back = _of(steps.float().unflatten(1, (-1, GROUP)), scales, middles).flatten(1)
    weight = weight.float()
    return float((back - weight).norm() / weight.norm())


def smallest(weight: torch.Tensor) -> Int8Linear | Int4Linear:
    """Weights [out, in] in int4 where that loses next to nothing, else in int8."""
    sample = weight[:: max(1, len(weight) // SAMPLE)]
    if takes_int4(weight) and int4_error(sample) < LOSSLESS:
        return Int4Linear.of(weight)
    return Int8Linear.of(weight)


def exact(weight: torch.Tensor) -> Product:
    """The product with [out, in] weights as they are."""
    return lambda x: F.linear(x, weight)


def kept_as(product: Int8Linear | Int4Linear) -> dict[str, torch.Tensor]:
    """What a product is kept as in a file: see `restored`."""
    return {name: tensor.contiguous() for name, tensor in vars(product).items()}


def restored(state: Mapping[str, torch.Tensor], name: str) -> Int8Linear | Int4Linear:
    """The product that was kept under a name."""
    scale = state[f"{name}.scale"]
    if f"{name}.packed" in state:
        return Int4Linear(state[f"{name}.packed"], scale)
    return Int8Linear(state[f"{name}.weight"], scale)
