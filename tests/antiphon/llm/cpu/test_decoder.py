"""The fast decoder says what the slow one says, and its caches are values."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaModel, Qwen2Config, Qwen2Model, Qwen3Config, Qwen3Model

from antiphon.llm.cpu.decoder import AT_ONCE, CpuDecoder
from antiphon.llm.cpu.decoder_graph import LAYER, NORM, packed_layer
from antiphon.llm.cpu.model import decoder_shape
from antiphon.llm.cpu.quantized import Quantizer, eight_bits, exact, four_bits

SIZES = {
    "vocab_size": 16,
    "hidden_size": 96,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "rope_theta": 5_000.0,
}
MODELS = {
    LlamaConfig: LlamaModel,
    Qwen2Config: Qwen2Model,
    Qwen3Config: Qwen3Model,
}


def transformers_model(kind: type = LlamaConfig) -> torch.nn.Module:
    torch.manual_seed(0)
    model: torch.nn.Module = MODELS[kind](kind(**SIZES))
    model.eval().requires_grad_(False)
    for name, weight in model.named_parameters():
        if name.endswith(("bias", "norm.weight")):
            torch.nn.init.normal_(weight, mean=1.0, std=0.5)  # as made they would change nothing
    return model


def packed(model: torch.nn.Module, folder: Path, linear: Quantizer = exact) -> CpuDecoder:
    folder.mkdir()
    shape = decoder_shape(model.config.to_dict())  # type: ignore[operator]
    state = model.state_dict()
    save_file({"norm": state["norm.weight"]}, folder / NORM)
    for i in range(shape.layers):
        below = f"layers.{i}."
        layer = {n.removeprefix(below): t for n, t in state.items() if n.startswith(below)}
        save_file(packed_layer(layer, linear), folder / LAYER.format(i))
    return CpuDecoder(folder, shape)


def expected(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = model(inputs_embeds=x[None]).last_hidden_state[0]
    return found


@pytest.fixture(scope="module")
def slow() -> torch.nn.Module:
    return transformers_model()


@pytest.fixture(scope="module")
def fast(slow, tmp_path_factory) -> CpuDecoder:
    return packed(slow, tmp_path_factory.mktemp("packed") / "llama")


def inputs(steps: int = 11) -> torch.Tensor:
    return torch.randn(steps, 96, generator=torch.Generator().manual_seed(1))


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(1, AT_ONCE + 3), min_size=1, max_size=5))
def test_any_cut_equals_transformers(slow, fast, cuts: list[int]) -> None:
    x = inputs(sum(cuts))
    cache, found = fast.start(), []
    for part in x.split(cuts):
        y, cache = fast.step(part, cache)
        found.append(y)
    torch.testing.assert_close(torch.cat(found), expected(slow, x), atol=2e-4, rtol=1e-3)
    assert cache.length == sum(cuts)


@pytest.mark.parametrize("kind", [Qwen2Config, Qwen3Config])
def test_qwens_layers_equal_those_of_transformers(kind, tmp_path) -> None:
    slow, x = transformers_model(kind), inputs(9)
    fast = packed(slow, tmp_path / "packed")
    first, cache = fast.step(x[:5], fast.start())
    rest, _ = fast.step(x[5:], cache)
    torch.testing.assert_close(torch.cat([first, rest]), expected(slow, x), atol=2e-4, rtol=1e-3)


def test_a_cache_can_be_gone_on_from_twice(fast) -> None:
    x = inputs()
    _, before = fast.step(x[:5], fast.start())
    one, after = fast.step(x[5:6], before)
    other, _ = fast.step(x[6:7], before)
    again, _ = fast.step(x[5:6], before)
    torch.testing.assert_close(again, one)
    assert not torch.allclose(other, one)
    # What went on first is not disturbed by those that came after.
    mine, _ = fast.step(x[7:8], after)
    _, fresh = fast.step(x[:6], fast.start())
    theirs, _ = fast.step(x[7:8], fresh)
    torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def test_what_lies_in_the_memory_behind_a_stream_is_never_seen(fast) -> None:
    x = inputs()
    _, cache = fast.step(x[:5], fast.start())
    clean, _ = fast.step(x[5:], cache)
    _, cache = fast.step(x[:5], fast.start())
    cache.buffer.keys[:, :, 5:] = torch.nan
    cache.buffer.values[:, :, 5:] = torch.nan
    torch.testing.assert_close(fast.step(x[5:], cache)[0], clean)


def test_a_long_stream_outgrows_its_memory_unnoticed(slow, fast) -> None:
    x = inputs(400)
    cache, found = fast.start(), []
    for part in x.split(50):
        y, cache = fast.step(part, cache)
        found.append(y)
    torch.testing.assert_close(torch.cat(found), expected(slow, x), atol=5e-4, rtol=2e-3)


@pytest.mark.parametrize("kind", list(MODELS))
@pytest.mark.parametrize(("linear", "close"), [(eight_bits, 0.998), (four_bits, 0.95)])
def test_few_bits_are_close(kind, linear, close, tmp_path) -> None:
    slow, x = transformers_model(kind), inputs()
    fast = packed(slow, tmp_path / "packed", linear)
    found, _ = fast.step(x, fast.start())
    assert F.cosine_similarity(found, expected(slow, x)).min() > close
