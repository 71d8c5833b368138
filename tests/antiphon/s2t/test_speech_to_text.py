import copy
from itertools import islice

import numpy as np
import pytest
import torch

from antiphon.llm import lora
from antiphon.llm.chat_template import around, encode
from antiphon.messages import Turn
from antiphon.s2t.cascade import CascadeEar
from antiphon.s2t.speech_to_text import SpeechToText, choose, fresher

HISTORY = (Turn("user", "hi"), Turn("assistant", "hello"))


def ids(tokens):
    return [token.id for token in tokens]


def test_the_state_of_a_token_is_the_one_that_chose_it(model):
    for token in islice(model.reply("what is this", repetition=1.0), 8):
        assert token.hidden.shape == (model.hidden_size,)
        assert int(model.writer.llm.lm_head(token.hidden).argmax()) == token.id


def test_a_reply_equals_transformers_own_generation(model, tokenizer, llm):
    before, after = around(tokenizer, HISTORY)
    prompt = torch.tensor([[*before, *encode(tokenizer, "why"), *after]])
    theirs = llm.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=12,
        do_sample=False,
        eos_token_id=sorted(model.ends),
        pad_token_id=0,
    )[0, prompt.shape[1] :].tolist()
    theirs = theirs[: next((i for i, t in enumerate(theirs) if t in model.ends), 12)]
    assert ids(model.reply("why", HISTORY, max_tokens=12, repetition=1.0)) == theirs


def test_texts_join_to_the_decoded_reply(model, tokenizer):
    tokens = list(model.reply("tell me", max_tokens=30))
    joined = "".join(token.text for token in tokens)
    assert tokenizer.decode(ids(tokens)).startswith(joined)


def test_audio_in_pieces_gives_the_reply_of_the_whole(model, speech):
    hearing = model.start(HISTORY)
    for piece in np.array_split(speech, 7):
        hearing.feed(piece)
    whole = model.reply(speech, HISTORY, max_tokens=10)
    assert ids(model.reply(hearing, max_tokens=10)) == ids(whole)


def test_sessions_share_one_model(model, speech):
    alone = ids(model.reply(speech, max_tokens=6)), ids(model.reply("you", HISTORY, max_tokens=6))
    one, other = model.reply(speech, max_tokens=6), model.reply("you", HISTORY, max_tokens=6)
    mixed = ([], [])
    for _ in range(6):
        for out, tokens in zip(mixed, (one, other), strict=True):
            out += ids(islice(tokens, 1))
    assert mixed == alone


def test_the_adapters_embeddings_stand_for_the_question(model, speech):
    question = model.ear.finish(model.ear.feed(speech, model.ear.start()))
    assert question.embeddings is not None
    assert question.embeddings.shape[1] == model.hidden_size
    assert model.transcribe(speech) == question.text


def test_the_cascade_reads_whispers_transcript(model, listener, speech):
    cascade = SpeechToText(model.writer, model.tokenizer, CascadeEar(listener))
    text = cascade.transcribe(speech)
    assert ids(cascade.reply(speech, max_tokens=8)) == ids(model.reply(text, max_tokens=8))


@pytest.mark.parametrize("length", [0, 100, 800, 5000])
def test_short_audio_is_answered_too(model, length):
    assert len(list(model.reply(np.zeros(length, np.float32), max_tokens=3))) <= 3


def test_a_reply_can_be_cancelled_between_tokens(model):
    heard = []
    heard.extend(model.reply("why", max_tokens=50, cancelled=lambda: len(heard) >= 2))
    assert len(heard) <= 2


def test_drawing_is_seeded():
    logits = torch.randn(50, generator=torch.Generator().manual_seed(0))

    def draws(seed):
        generator = torch.Generator().manual_seed(seed)
        return [choose(logits, 1.0, 0.8, generator) for _ in range(20)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert choose(logits, 1.0, 1e-6, torch.Generator()) == int(logits.argmax())


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


def test_what_was_said_lately_becomes_less_likely(model):
    logits = torch.tensor([2.0, -1.0, 0.5])
    assert fresher(logits, [0, 1, 0], 2.0).tolist() == [1.0, -2.0, 0.5]
    assert logits.tolist() == [2.0, -1.0, 0.5]
    circling = ids(model.reply("what", max_tokens=40, repetition=1.0))
    fresh = ids(model.reply("what", max_tokens=40, repetition=5.0))
    assert len(set(fresh)) / len(fresh) > len(set(circling)) / len(circling)
