"""Writing token by token, by transformers and packed in int8."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.nn import functional as F
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen3Config,
)

from antiphon.llm import lora
from antiphon.llm.cpu import model as cpu
from antiphon.llm.cpu.decoder import CpuDecoder
from antiphon.llm.language_model import from_pretrained
from antiphon.llm.transformers_model import TransformersLanguageModel, load


def llm(**more: object) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        tie_word_embeddings=True,
        **more,
    )
    return LlamaForCausalLM(config).bfloat16().eval().requires_grad_(False)


@pytest.fixture
def folder(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_CACHE", str(tmp_path / "cache"))
    llm().save_pretrained(tmp_path / "llm")
    tokenizer.save_pretrained(tmp_path / "llm")
    return tmp_path / "llm"


def written(lm) -> torch.Tensor:
    state, logits, cache = lm.read(lm.embeddings[[5, 6]], lm.start([1, 2, 3]))
    assert logits.shape == (64,)
    found = [state]
    for token in (7, 8, 9):
        state, _, cache = lm.write(token, cache)
        found.append(state)
    return torch.stack(found)


def test_a_packed_model_agrees_with_transformers(folder) -> None:
    slow, fast = (
        load(folder, None, "llm"),
        from_pretrained(str(folder), None),
    )
    assert isinstance(fast, cpu.CpuLanguageModel)
    assert F.cosine_similarity(written(slow), written(fast)).min() > 0.99


@pytest.mark.parametrize("config", [Qwen2Config, Qwen3Config])
def test_packed_qwens_agree_with_transformers(config, tokenizer, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ANTIPHON_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        config(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=16, tie_word_embeddings=False,
        )
    )  # fmt: skip
    for name, weight in model.named_parameters():
        if name.endswith(("bias", "q_norm.weight", "k_norm.weight")):
            torch.nn.init.normal_(weight, mean=1.0, std=0.5)  # as made they would change nothing
    model.bfloat16().save_pretrained(tmp_path / "llm")
    tokenizer.save_pretrained(tmp_path / "llm")
    fast = from_pretrained(str(tmp_path / "llm"), None)
    assert isinstance(fast, cpu.CpuLanguageModel)
    slow = load(tmp_path / "llm", None, "llm")
    assert F.cosine_similarity(written(slow), written(fast)).min() > 0.99


def test_packing_happens_once_for_a_model_and_its_corrections(folder, tmp_path, caplog) -> None:
    caplog.set_level("INFO", "antiphon")
    first = from_pretrained(str(folder), None)
    assert "Packing" in caplog.text
    caplog.clear()
    again = from_pretrained(str(folder), None)
    assert "Packing" not in caplog.text
    assert torch.equal(written(first), written(again))
    model = llm()
    corrections = lora.attach(model, rank=4)
    for correction in corrections.values():
        torch.nn.init.normal_(correction.up, std=0.3)
    lora.save(corrections, tmp_path / "lora.safetensors")
    corrected = from_pretrained(str(folder), tmp_path / "lora.safetensors")
    assert "Packing" in caplog.text
    assert not torch.allclose(written(corrected), written(first), atol=0.1)


def test_other_models_are_written_by_transformers(tokenizer, tmp_path) -> None:
    for name, odd in (("bias", {"attention_bias": True}), ("scaled", {"rope_scaling": YARN})):
        llm(**odd).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
        assert isinstance(from_pretrained(str(tmp_path / name), None), TransformersLanguageModel)
        assert not cpu.fits(json.loads((tmp_path / name / "config.json").read_text()))


YARN = {"rope_type": "linear", "factor": 2.0}


def test_what_was_read_can_be_read_on_from_again(folder) -> None:
    for lm in (
        load(folder, None, "llm"),
        from_pretrained(str(folder), None),
    ):
        start = lm.start([1, 2, 3])
        once, _, cache = lm.read(lm.embeddings[[4]], start)
        lm.write(5, cache)
        again, _, _ = lm.read(lm.embeddings[[4]], start)
        assert torch.equal(once, again)


def test_questions_asked_at_once_share_their_opening(folder) -> None:
    lm = from_pretrained(str(folder), None)
    assert isinstance(lm, cpu.CpuLanguageModel)
    questions = [lm.embeddings[[token, token + 1]] for token in range(16)]
    alone = [lm.read(asked, lm.stack.start()) for asked in questions]
    opening = lm.start([1, 2, 3])
    assert lm.start([1, 2, 3]).buffer is opening.buffer
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda asked: lm.read(asked, opening)[0], questions * 4))
    for i, state in enumerate(told):
        again, _, _ = lm.read(questions[i % 16], lm.start([1, 2, 3]))
        assert torch.equal(state, again)
        assert not torch.equal(state, alone[i % 16][0])


def test_the_common_beginning_of_prompts_is_read_once(folder, monkeypatch) -> None:
    lm = from_pretrained(str(folder), None)
    assert isinstance(lm, cpu.CpuLanguageModel)
    read: list[int] = []
    step = CpuDecoder.step

    def counted(self, x, cache):
        read.append(len(x))
        return step(self, x, cache)

    monkeypatch.setattr(CpuDecoder, "step", counted)
    for prompt in ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [1, 2, 9], [1, 2, 3, 4]):
        found = lm.start(prompt)
        fresh = step(lm.stack, lm.embeddings[prompt].float(), lm.stack.start())[1]
        for kept in ("keys", "values"):
            ours, theirs = (
                getattr(cache.buffer, kept)[:, :, : len(prompt)] for cache in (found, fresh)
            )
            torch.testing.assert_close(ours, theirs, atol=0.05, rtol=0.05)
    assert read == [4, 2, 1]


def test_the_opening_of_all_conversations_is_read_once_for_good(folder, monkeypatch) -> None:
    opening = [1, 2, 3, 4, 5, 6, 7, 8]
    expected = from_pretrained(str(folder), None).start(opening)
    again = from_pretrained(str(folder), None)
    monkeypatch.setattr(CpuDecoder, "step", lambda *_: pytest.fail("read again"))
    found = again.start(opening)
    assert torch.equal(found.buffer.keys, expected.buffer.keys)
    assert found.length == len(opening)


def test_a_damaged_file_of_the_opening_is_read_past(folder, tmp_path) -> None:
    from_pretrained(str(folder), None).start([1, 2, 3])
    (held,) = (tmp_path / "cache" / "packed").glob("*/*.opening")
    held.write_bytes(b"half")
    assert from_pretrained(str(folder), None).start([1, 2, 3]).length == 3
