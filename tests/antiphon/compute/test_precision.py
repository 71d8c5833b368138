"""Half precision is taken where the processor has it, and only there."""

import pytest
import torch

from antiphon.compute import precision


@pytest.mark.parametrize("fast", [True, False])
def test_products_are_halved_only_where_that_is_fast(monkeypatch, fast):
    monkeypatch.setattr(precision, "fast_bfloat16", lambda: fast)
    x = torch.ones(2, 2)
    with precision.mixed_precision():
        assert (x @ x).dtype is (torch.bfloat16 if fast else torch.float32)
    with precision.mixed_precision(enabled=False):
        assert (x @ x).dtype is torch.float32
