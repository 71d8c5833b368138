"""Low-rank corrections: attached, merged, saved and restored."""

import copy

import torch

from antiphon.llm import lora


def test_merged_corrections_equal_attached_ones(llm, tmp_path):
    corrected, merged = copy.deepcopy(llm), copy.deepcopy(llm)
    corrections = lora.attach(corrected, rank=2, alpha=4)
    for correction in corrections.values():
        torch.nn.init.normal_(correction.up, std=0.05)
    lora.save(corrections, tmp_path / "lora.safetensors")
    lora.merge(merged, tmp_path / "lora.safetensors")
    tokens = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        want, got, plain = (m(tokens).logits for m in (corrected, merged, llm))
    torch.testing.assert_close(got, want, atol=2e-2, rtol=2e-2)
    assert not torch.allclose(got, plain, atol=2e-2)


def test_corrections_learn_on_from_a_file(llm, tmp_path):
    first, second = (lora.attach(copy.deepcopy(llm), rank=2, alpha=4) for _ in range(2))
    for correction in first.values():
        torch.nn.init.normal_(correction.up, std=0.05)
    lora.save(first, tmp_path / "lora.safetensors")
    lora.restore(second, tmp_path / "lora.safetensors")
    for name, correction in first.items():
        torch.testing.assert_close(second[name].up, correction.up, atol=1e-3, rtol=1e-2)
        torch.testing.assert_close(second[name].down, correction.down, atol=1e-3, rtol=1e-2)
