"""Matrices of weights in few bits, for a CPU.

Writing a token is bound by memory: half of the bits are half of the time. Four bits have a scale
and an offset for every `GROUP` of a row, as llama.cpp's Q4_K has, so weights which came that way
stay what they were; eight bits have a scale.

The kernel is onnxruntime's MatMulNBits, which rounds the inputs to int8. Its offsets are whole
steps. What is left of each group's offset is a weight of its own, behind the others: of the sum of
the group's inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch.nn import functional as F

from antiphon.compute.onnx_graph import GROUP, in_bytes

Weights = dict[str, torch.Tensor]
"""What a product [N, in] to [N, out] is kept as.

`weight` is [out, groups, GROUP / 2] uint8 in four bits, the first of two weights in the lower ones,
and [out, groups, GROUP] uint8 in eight; or [out, in] float32. `scale` is [out * groups] float32,
`zero` [out * (groups + 1) / 2] uint8 the steps that stand for 0, two each, of weights in four bits.
"""
Quantizer = Callable[[torch.Tensor], Weights]
"""What is kept of weights [out, in]."""

ROWS = 64
"""Rows that are rounded at a time, so few that they stay in the processor's cache."""
SAMPLE = 256
"""Rows of a matrix that show what four bits would cost it."""
LOSSLESS = 0.02
"""Relative error of four bits (root of the mean square) up to which a matrix is kept in them."""


def for_layers(matrices: Iterable[torch.Tensor]) -> Quantizer:
    """How the layers of a model are kept, of which these matrices [out, in] are one.

    Where most came in four bits, the publisher gave more to a few, and a model that bears the
    others bears these in four, too. Else each is judged by itself.
    """
    came = [came_in_four_bits(each) for each in matrices]
    return small if 2 * sum(came) > len(came) else smallest


def small(weight: torch.Tensor) -> Weights:
    """Weights [out, in] in four bits; in eight if a row is no whole groups."""
    return eight_bits(weight) if weight.shape[1] % GROUP else four_bits(weight)


def smallest(weight: torch.Tensor) -> Weights:
    """Weights [out, in] in four bits where they lose next to nothing, else in eight."""
    return four_bits(weight) if came_in_four_bits(weight) else eight_bits(weight)


def came_in_four_bits(weight: torch.Tensor) -> bool:
    """Whether four bits lose next to nothing of a matrix [out, in]."""
    sample = weight[:: max(1, len(weight) // SAMPLE)]
    return not weight.shape[1] % GROUP and four_bit_error(sample) < LOSSLESS


def exact(weight: torch.Tensor) -> Weights:
    """Weights [out, in] as they are."""
    return {"weight": weight.float()}


def eight_bits(weight: torch.Tensor) -> Weights:
    """Weights [out, in] in eight bits."""
    parts = [in_bytes(rows) for rows in weight.split(ROWS)]
    steps, scale = (torch.cat(part) for part in zip(*parts, strict=True))
    return {"weight": steps, "scale": scale.flatten()}


def four_bits(weight: torch.Tensor) -> Weights:
    """Weights [out, in] in four bits; `in` must come in groups."""
    steps, scale, middle = in_sixteen_steps(weight)
    zero = (8 - middle / scale).round_().clamp_(0, 15)
    # Filled up to whole groups; their step 8 stands for 0.
    left = F.pad(middle - (8 - zero) * scale, (0, -scale.shape[1] % GROUP))
    left = left.unflatten(1, (-1, GROUP))
    left_scale = (left.abs().amax(-1) / 7).clamp_(min=1e-12)
    left_steps = (left / left_scale[..., None]).round_().add_(8)
    return {
        "weight": pairs(torch.cat([steps, left_steps], 1)),
        "scale": torch.cat([scale, left_scale], 1).flatten(),
        "zero": pairs(torch.cat([zero, torch.full_like(left_scale, 8)], 1)).flatten(),
    }


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


def four_bit_error(weight: torch.Tensor) -> float:
    """What four bits cost a matrix: root mean square of the error over that of the weights."""
    back = meant(*in_sixteen_steps(weight)).flatten(1)
    weight = weight.float()
    return float((back - weight).norm() / weight.norm())
