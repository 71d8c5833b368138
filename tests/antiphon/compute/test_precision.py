"""Half precision is taken where the processor has it, and only there."""

import platform

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


@pytest.mark.parametrize(
    ("machine", "onednn", "avx512_bf16", "amx", "fast"),
    [
        ("x86_64", True, False, False, False),
        ("x86_64", True, True, False, True),
        ("x86_64", True, False, True, True),
        ("x86_64", False, False, False, False),
        ("aarch64", True, False, False, True),
        ("aarch64", False, False, False, False),
    ],
)
def test_bfloat16_is_fast_where_the_processor_has_instructions_for_it(
    monkeypatch, machine, onednn, avx512_bf16, amx, fast
):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert precision.fast_bfloat16.__wrapped__() is fast
