"""Half precision where it is faster: processors without instructions for bfloat16 emulate it."""

from __future__ import annotations

import platform
from functools import cache

import torch


@cache
def fast_bfloat16() -> bool:
    """Whether this processor computes in bfloat16 at least as fast as in float32.

    oneDNN supports bfloat16 wherever there is AVX-512. Without AVX512-BF16 or AMX it emulates it
    there, in four times the time of float32.
    """
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def mixed_precision(*, enabled: bool = True) -> torch.autocast:
    """Products in bfloat16 and the rest in float32, if the processor is faster that way.

    Args:
        enabled: False computes all in float32.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=enabled and fast_bfloat16())
