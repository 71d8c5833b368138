"""Half precision where it is faster: processors without instructions for bfloat16 emulate it."""

from __future__ import annotations

import torch


def fast_bfloat16() -> bool:
    """Whether this processor computes in bfloat16 at least as fast as in float32."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def mixed_precision(*, enabled: bool = True) -> torch.autocast:
    """Products in bfloat16 and the rest in float32, if the processor is faster that way.

    Args:
        enabled: False computes all in float32.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=enabled and fast_bfloat16())
