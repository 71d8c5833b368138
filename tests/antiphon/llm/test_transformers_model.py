"""Conversations that a model of transformers holds at once are those it would hold alone."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from antiphon.llm.batching.decoder import BatchedDecoder
from antiphon.llm.batching.undivided import UndividedDecoder
from antiphon.llm.transformers_model import TransformersLanguageModel


@pytest.fixture
def passes(monkeypatch) -> list[int]:
    """How many conversations each pass had; a pass takes a while, so that others come meanwhile."""
    found: list[int] = []
    read = BatchedDecoder.__call__

    def counted(self, steps):
        found.append(len(steps))
        time.sleep(0.002)
        return read(self, steps)

    monkeypatch.setattr(BatchedDecoder, "__call__", counted)
    return found


def greedy(lm, prompt, begun=0.0):
    """Eight tokens, likeliest first, from a prompt of which all but two are read by `start`."""
    time.sleep(begun)
    _, logits, cache = lm.read(lm.embeddings[prompt[-2:]], lm.start(prompt[:-2]))
    written = []
    while len(written) < 8:
        written.append(int(logits.argmax()))
        _, logits, cache = lm.write(written[-1], cache)
    return written


def test_the_same_is_written_at_once_as_alone(llm, tokenizer, passes):
    chance = random.Random(0)
    prompts = [[chance.randrange(200) for _ in range(3 + 5 * n % 17)] for n in range(6)]
    fresh = TransformersLanguageModel(llm, tokenizer)
    alone = [
        llm.generate(torch.tensor([prompt]), max_new_tokens=8, min_new_tokens=8, do_sample=False)
        for prompt in prompts
    ]
    with ThreadPoolExecutor(len(prompts)) as pool:
        begins = [chance.uniform(0, 0.02) for _ in prompts]
        at_once = list(pool.map(greedy, [fresh] * len(prompts), prompts, begins))
    for prompt, theirs, ours in zip(prompts, alone, at_once, strict=True):
        assert ours == theirs[0, len(prompt) :].tolist()
    assert max(passes) > 1


def test_what_is_drawn_is_nobody_elses_business(model, passes):
    def reply(seed):
        told = model.reply("hello you", max_tokens=10, temperature=1.0, top_p=1.0, seed=seed)
        return [token.id for token in told]

    alone = [reply(seed) for seed in range(5)]
    passes.clear()
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(reply, range(5))) == alone
    assert max(passes) > 1
    assert len({tuple(each) for each in alone}) > 1


def test_what_prompts_begin_with_is_read_once(llm, tokenizer, monkeypatch):
    lm, read = TransformersLanguageModel(llm, tokenizer), list[int]()
    call = BatchedDecoder.__call__

    def counted(self, steps):
        read.extend(len(step.embeddings) for step in steps)
        return call(self, steps)

    monkeypatch.setattr(BatchedDecoder, "__call__", counted)
    for prompt in ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [1, 2, 9], [1, 2, 3, 4]):
        lm.start(prompt)
    assert read == [4, 2, 1]
    _, _, cache = lm.read(lm.embeddings[[7, 8]], lm.start([1, 2]))
    lm.keep([1, 2, 7, 8], lm.write(9, cache)[2])
    read.clear()
    lm.start([1, 2, 7, 8, 6])
    assert read == [1]


def test_what_is_no_embedding_is_refused(llm, tokenizer):
    lm = TransformersLanguageModel(llm, tokenizer)
    cache = lm.start([1, 2])
    for wrong in (torch.zeros(0, 32), torch.zeros(2, 31), torch.zeros(32)):
        with pytest.raises(ValueError, match="cannot be read by a model of width 32"):
            lm.read(wrong, cache)
    with pytest.raises(IndexError):
        lm.write(10**6, cache)
    assert lm.write(3, cache)[2].length == 3


def test_what_slides_is_read_one_by_one(sliding, tokenizer, monkeypatch):
    """A model whose windows slide; it scales its embeddings, too."""
    lm, prompt = TransformersLanguageModel(sliding, tokenizer), [5, 6, 7, 8, 9, 10, 11]
    expected = sliding.generate(torch.tensor([prompt]), max_new_tokens=8, do_sample=False)
    expected = expected[0, len(prompt) :].tolist()
    for _ in range(2):
        assert greedy(lm, prompt) == expected
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(greedy, [lm] * 4, [prompt] * 4)) == [expected] * 4
    monkeypatch.setattr(UndividedDecoder, "read", lambda *_, **__: pytest.fail("read again"))
    lm.start(prompt[:-2])
    monkeypatch.undo()
    # What was read further cannot be cut, so a prompt that goes on otherwise begins anew.
    assert greedy(lm, [*prompt[:3], 9, 10]) == greedy(
        TransformersLanguageModel(sliding, tokenizer), [*prompt[:3], 9, 10]
    )


@pytest.fixture
def sliding():
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=258, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, sliding_window=4,
        layer_types=["sliding_attention", "full_attention"], initializer_range=0.3,
    )  # fmt: skip
    return Gemma3ForCausalLM(config).eval().requires_grad_(False)
