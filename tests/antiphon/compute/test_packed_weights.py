"""Weights in a file are a quarter as large, and within a step of what was learnt."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.compute.packed_weights import LARGE, packed, unpacked


@settings(deadline=None, max_examples=20)
@given(size=st.floats(1e-4, 50.0), seed=st.integers(0, 99))
def test_large_matrices_are_rounded_row_by_row(size, seed):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.tensor([1.0, 0.01, 0.0])[:, None]
    state = {
        "large": rows * size * torch.randn(3, LARGE, generator=generator),
        "small": torch.randn(3, 4, generator=generator),
        "other.scale": torch.ones(3),  # a weight of its own
    }
    kept = packed(state)
    assert kept["large"].dtype == torch.int8 and kept["small"].dtype == torch.float16
    again = unpacked(kept)
    assert again.keys() == state.keys()
    step = (state["large"].abs().amax(-1, keepdim=True) / 127).clamp(min=1e-9)
    assert ((again["large"] - state["large"]).abs() <= 0.6 * step).all()
    torch.testing.assert_close(again["small"].float(), state["small"], atol=2e-3, rtol=2e-3)
