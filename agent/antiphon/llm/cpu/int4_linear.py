"""Weights of four bits: a scale and an offset for every group of 32 of them.

llama.cpp's Q4_K has the same, so weights which came that way stay what they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from antiphon.llm.cpu.nbits import NbitsProduct, Product

GROUP = 32
"""Weights of a row that share a scale and an offset."""
ROWS = 64
"""Rows that are rounded at a time, so few that they stay in the processor's cache."""


@dataclass(frozen=True)
class Int4Linear:
    """A matrix of weights [out, in].

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

    def product(self) -> Product:
        """The product with them."""
        kernel = NbitsProduct(self.packed, self.scale, self.zero)

        def multiply(x: torch.Tensor) -> torch.Tensor:
            return kernel(torch.cat([x, x.unflatten(1, (-1, GROUP)).sum(-1)], 1))

        return multiply

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in] float32 to [N, out] float32, once; to multiply often take `product`."""
        return self.product()(x)


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
