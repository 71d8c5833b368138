import math
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from antiphon.llm.cpu import model
from antiphon.llm.transformers_model import read_model
from antiphon.recognition.conversation.text_likelihood import TextLikelihood, plain


@pytest.fixture
def folder(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=320, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).bfloat16().save_pretrained(tmp_path / "llm")
    tokenizer.save_pretrained(tmp_path / "llm")
    return tmp_path / "llm"


def test_texts_are_as_likely_as_transformers_says(folder, tokenizer):
    likelihoods = TextLikelihood(model.load(folder, None, "llm"))
    texts = ["Who sang?", "who sank.", "Where?"]

    found = likelihoods(texts)

    llm: Any = read_model(folder).float()
    before = tokenizer("<|im_start|>user\n", add_special_tokens=False)["input_ids"]
    ends = [tokenizer.convert_tokens_to_ids(mark) for mark in ("<|im_end|>", ".", "?", "!")]
    for text, likely in zip(texts, found, strict=True):
        ids = tokenizer(plain(text), add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = llm(torch.tensor([before + ids])).logits[0].log_softmax(-1)
        expected = sum(float(logits[len(before) - 1 + i, t]) for i, t in enumerate(ids))
        expected += float(logits[-1, ends].logsumexp(0))
        assert likely == pytest.approx(expected, rel=0.02)


def test_how_a_text_is_written_does_not_matter(folder):
    likelihoods = TextLikelihood(model.load(folder, None, "llm"))
    first, second, alone = *likelihoods(["who sang?", "Who sang."]), *likelihoods(["Who sang"])
    assert first == pytest.approx(second, abs=1e-4)
    assert alone == pytest.approx(first, abs=0.05)
    assert math.isfinite(first)


@pytest.mark.parametrize(
    ("text", "bare"), [(" who is it? ", "Who is it"), ("Ah...", "Ah"), ("", ""), ("?", "")]
)
def test_a_sentence_without_its_end(text, bare):
    assert plain(text) == bare
