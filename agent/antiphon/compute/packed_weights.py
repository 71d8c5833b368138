"""Weights in half the space: large matrices in bytes with a scale a row, the rest in float16."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

SCALE = ".scale"
LARGE = 4096
"""Numbers from which a matrix is kept in bytes."""


def large(name: str, value: torch.Tensor) -> bool:
    """Whether a weight is a matrix that is worth it."""
    return value.ndim > 1 and value.numel() >= LARGE


def packed(
    state: Mapping[str, torch.Tensor], chosen: Callable[[str, torch.Tensor], bool] = large
) -> dict[str, torch.Tensor]:
    """Weights as they are kept.

    Args:
        state: weights by name.
        chosen: which of them are rounded to bytes.
    """
    found = {}
    for name, value in state.items():
        kept = value.detach().cpu()
        if not kept.is_floating_point():
            found[name] = kept.int()
        elif chosen(name, kept):
            scale = (kept.float().abs().amax(-1, keepdim=True) / 127).clamp(min=1e-9)
            found[name + SCALE] = scale
            found[name] = (kept / scale).round().clamp(-127, 127).to(torch.int8)
        else:
            found[name] = kept.half()
    return {name: value.contiguous() for name, value in found.items()}


def unpacked(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights as they were before `packed`: what was rounded in float32."""
    scales = {name + SCALE for name in state if name + SCALE in state}
    return {
        name: value * state[name + SCALE] if name + SCALE in scales else value
        for name, value in state.items()
        if name not in scales
    }
