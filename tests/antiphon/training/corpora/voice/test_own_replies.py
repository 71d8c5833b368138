"""States of the language model with the tokens they chose."""

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from antiphon.training.corpora.voice import own_replies


@pytest.fixture(scope="module")
def tokenizer():
    marks = ["<|im_start|>", "<|im_end|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {piece: i for i, piece in enumerate([*letters, *marks])}
    inner = Tokenizer(models.BPE(vocab, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    found = PreTrainedTokenizerFast(tokenizer_object=inner)
    found.add_special_tokens({"eos_token": marks[1], "additional_special_tokens": marks[:1]})
    return found


@pytest.fixture(scope="module")
def llm():
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    config = LlamaConfig(vocab_size=258, eos_token_id=257, **sizes, **heads)
    return LlamaForCausalLM(config).eval().requires_grad_(False)


def test_guesses_are_what_the_states_choose(llm, tokenizer):
    exchanges = [("why", "so"), ("how much", "a lot of it"), ("who", "")]
    found = own_replies.guesses(llm, tokenizer, exchanges)
    assert sorted(map(len, found)) == [3, 12]  # before every letter, and after the last
    for row in found:
        for token in row:
            assert int(llm.lm_head(token.hidden).argmax()) == token.id


def test_a_batch_says_what_one_alone_says(llm, tokenizer):
    exchanges = [("why", "so"), ("how much", "a lot of it")]
    together = own_replies.guesses(llm, tokenizer, exchanges)
    alone = [own_replies.guesses(llm, tokenizer, [one])[0] for one in exchanges]
    key = len
    for one, other in zip(sorted(together, key=key), sorted(alone, key=key), strict=True):
        theirs = torch.stack([token.hidden for token in other])
        torch.testing.assert_close(torch.stack([token.hidden for token in one]), theirs)


def test_own_replies_carry_the_states_that_wrote_them(llm, tokenizer):
    replies = own_replies.write(llm, tokenizer, ["why", "how", "how"], 2, seed=3)
    assert 0 < len(replies) <= 2
    for reply in replies:
        assert reply.prompt[0] == 256  # where a conversation begins
        for token in reply.tokens:
            assert int(llm.lm_head(token.hidden).argmax()) == token.id
