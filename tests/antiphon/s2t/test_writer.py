"""Writing token by token, with and without int8 weights."""

import torch
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from antiphon.s2t.writer import FastWriter, Writer, writer


def llm(dtype: torch.dtype = torch.bfloat16, **more: object) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        **more,
    )
    return LlamaForCausalLM(config).to(dtype).eval().requires_grad_(False)


def test_a_plain_llama_is_written_with_fast_and_others_are_not() -> None:
    assert isinstance(writer(llm()), FastWriter)
    for other in (llm(torch.float32), llm(attention_bias=True)):
        assert type(writer(other)) is Writer


def test_fast_and_slow_agree() -> None:
    model = llm()
    states = []
    for pen in (Writer(model), FastWriter(model)):
        state, _, cache = pen.read(pen.embed([5, 6]), pen.start([1, 2, 3]))
        found = [state]
        for token in (7, 8, 9):
            state, logits, cache = pen.write(token, cache)
            assert logits.shape == (64,)
            found.append(state)
        states.append(torch.stack(found))
    assert F.cosine_similarity(*states).min() > 0.99


def test_what_was_read_can_be_read_on_from_again() -> None:
    for pen in (Writer(llm()), FastWriter(llm())):
        start = pen.start([1, 2, 3])
        once, _, cache = pen.read(pen.embed([4]), start)
        pen.write(5, cache)
        again, _, _ = pen.read(pen.embed([4]), start)
        assert torch.equal(once, again)
