"""The fast decoder says what the slow one says, and its caches are values."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaModel, Qwen2Config, Qwen2Model, Qwen3Config, Qwen3Model

from antiphon.llm.cpu.decoder import CpuDecoder
from antiphon.llm.cpu.quantized import exact, int8

CONFIG = LlamaConfig(
    vocab_size=16,
    hidden_size=48,
    intermediate_size=80,
    num_hidden_layers=3,
    num_attention_heads=6,
    num_key_value_heads=2,
)


@pytest.fixture(scope="module")
def slow() -> LlamaModel:
    torch.manual_seed(0)
    return LlamaModel(CONFIG).eval()


def fast(slow: LlamaModel, window: int = 0, linear=exact) -> CpuDecoder:
    return CpuDecoder.of(
        slow.state_dict(), 6, 2, eps=CONFIG.rms_norm_eps, window=window, linear=linear
    )


def inputs(steps: int = 11) -> torch.Tensor:
    return torch.randn(steps, 48, generator=torch.Generator().manual_seed(1))


@given(cuts=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_any_cut_equals_transformers(cuts: list[int]) -> None:
    torch.manual_seed(0)
    slow = LlamaModel(CONFIG).eval()
    x = inputs(sum(cuts))
    with torch.no_grad():
        expected = slow(inputs_embeds=x[None]).last_hidden_state[0]
    model = fast(slow)
    cache, found = model.start(), []
    for part in x.split(cuts):
        y, cache = model.step(part, cache)
        found.append(y)
    torch.testing.assert_close(torch.cat(found), expected, atol=1e-4, rtol=1e-4)
    assert cache.position == sum(cuts)


@pytest.mark.parametrize(
    ("config", "model"), [(Qwen2Config, Qwen2Model), (Qwen3Config, Qwen3Model)]
)
def test_qwens_layers_equal_those_of_transformers(config, model) -> None:
    torch.manual_seed(0)
    same = {key: getattr(CONFIG, key) for key in ("vocab_size", "hidden_size", "intermediate_size")}
    same |= {"num_hidden_layers": 3, "num_attention_heads": 6, "num_key_value_heads": 2}
    slow = model(config(**same, head_dim=16)).eval()
    for name, weight in slow.named_parameters():
        if name.endswith(("bias", "norm.weight")):
            torch.nn.init.normal_(weight, mean=1.0, std=0.5)  # as made they would change nothing
    x = inputs(9)
    with torch.no_grad():
        expected = slow(inputs_embeds=x[None]).last_hidden_state[0]
    fast = CpuDecoder.of(
        slow.state_dict(), 6, 2, eps=slow.config.rms_norm_eps, theta=10_000.0, linear=exact
    )
    first, cache = fast.step(x[:5], fast.start())
    rest, _ = fast.step(x[5:], cache)
    torch.testing.assert_close(torch.cat([first, rest]), expected, atol=2e-4, rtol=1e-3)


def test_a_cache_can_be_gone_on_from_twice(slow: LlamaModel) -> None:
    model, x = fast(slow), inputs()
    _, before = model.step(x[:5], model.start())
    one, after = model.step(x[5:6], before)
    other, _ = model.step(x[6:7], before)
    again, _ = model.step(x[5:6], before)
    torch.testing.assert_close(again, one)
    assert not torch.allclose(other, one)
    # What went on first is not disturbed by those that came after.
    mine, _ = model.step(x[7:8], after)
    _, fresh = model.step(x[:6], model.start())
    theirs, _ = model.step(x[7:8], fresh)
    torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def test_a_window_bounds_memory_and_what_is_seen(slow: LlamaModel) -> None:
    model, whole = fast(slow, window=4), fast(slow)
    x = inputs(300)
    cache = model.start()
    for row in x[:-1]:
        _, cache = model.step(row[None], cache)
    assert cache.buffer.keys.shape[2] < 100
    assert cache.position == 299
    with_past, _ = model.step(x[-1:], cache)
    assert not torch.allclose(with_past, whole.step(x[-1:], whole.start())[0], atol=1e-3)
    # A lone step with the past it can see gives the same as many steps at once under a mask.
    at_once, _ = model.step(x, model.start())
    torch.testing.assert_close(at_once[-1], with_past[0], atol=1e-4, rtol=1e-4)


def test_eight_bits_are_close(slow: LlamaModel) -> None:
    x = inputs()
    there, _ = fast(slow).step(x, fast(slow).start())
    here, _ = fast(slow, linear=int8).step(x, fast(slow).start())
    assert F.cosine_similarity(here, there).min() > 0.998
