"""A multilingual Whisper finds the language or is told it, and is shown a context."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer
from transformers import WhisperConfig, WhisperModel

from antiphon.errors import UserError
from antiphon.recognition.transcript import Options
from antiphon.recognition.whisper.decoding import Request
from antiphon.recognition.whisper.recognizer import WhisperRecognizer
from antiphon.recognition.whisper.transcriber import Transcriber

EN, DE, FR = 50_259, 50_261, 50_265


@pytest.fixture(scope="module")
def multilingual(whisper, tmp_path_factory):
    torch.manual_seed(5)
    folder = tmp_path_factory.mktemp("multilingual")
    config = WhisperConfig(
        vocab_size=51_865, d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, init_std=0.3,
    )  # fmt: skip
    WhisperModel(config).save_pretrained(folder)
    (folder / "ctranslate2").mkdir()
    marks = {"alignment_heads": [[0, 0]], "suppress_ids": []}
    (folder / "ctranslate2" / "config.json").write_text(json.dumps(marks))
    tokenizer = json.loads(Tokenizer.from_file(
        str(whisper / "ctranslate2" / "tokenizer.json")).to_str())  # fmt: skip
    special = {EN: "<|en|>", DE: "<|de|>", FR: "<|fr|>"}
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary |= {f"filler{i}": i for i in range(len(vocabulary), 50_257)}
    vocabulary |= {special.get(i, f"<|x{i}|>"): i for i in range(50_257, 50_370)}
    (folder / "ctranslate2" / "tokenizer.json").write_text(json.dumps(tokenizer))
    return WhisperRecognizer(Transcriber.load(folder), name="tiny")


def heard(recognizer, speech, **options):
    state = recognizer.start(Options(**options))
    return recognizer.hearing(recognizer.feed(speech, state)).transcripts[0]


def test_the_likeliest_language_is_found_as_transformers_would(multilingual, speech):
    decoder = multilingual.transcriber.decoder
    window = multilingual.transcriber.encoder.encode(speech)[0]
    found = decoder.transcribe(window, request=Request(tuple(decoder.languages)))
    states, _, _ = decoder.step(torch.tensor([[50_258]]), decoder.start(window[None]))
    logits = torch.nn.functional.linear(states[0, 0], decoder.embed_tokens.weight)
    among = logits[decoder.languages.start : decoder.languages.stop]
    assert found.mark == decoder.languages.start + int(among.argmax())
    assert found.language == pytest.approx(float(among.softmax(-1).max()), rel=1e-4)
    named = decoder.transcribe(window, request=Request((found.mark,)))
    assert named.tokens == found.tokens
    torch.testing.assert_close(named.log_probs, found.log_probs, atol=1e-4, rtol=1e-4)


def test_a_named_language_is_written_and_its_probability_told(multilingual, speech):
    for mark, code in ((DE, "de"), (FR, "fr")):
        assert heard(multilingual, speech, language=code).mark == mark
    offered = heard(multilingual, speech, languages=("de", "fr"))
    assert offered.mark in (DE, FR)
    named = [heard(multilingual, speech, language=code).language for code in ("de", "fr")]
    assert offered.language == pytest.approx(max(named), rel=1e-4)


def test_a_context_is_read_before_the_prompt(multilingual, speech):
    decoder = multilingual.transcriber.decoder
    window = multilingual.transcriber.encoder.encode(speech)[0]
    tokens = (40, 41, 42)
    found = decoder.transcribe(window, request=Request((EN,), tokens))
    read = torch.tensor([[decoder.before, *tokens, 50_258, EN, 50_359, 50_363]])
    states, _, _ = decoder.step(read, decoder.start(window[None]))
    torch.testing.assert_close(found.states[0], states[0, -1], atol=1e-4, rtol=1e-4)
    again = decoder.transcribe(window, found.tokens, request=Request((EN,), tokens))
    assert again.tokens == found.tokens


def test_an_english_recognizer_refuses_other_languages(listener):
    with pytest.raises(UserError, match="does not know german, only en"):
        WhisperRecognizer(listener, name="tiny.en").start(Options(language="de"))


def test_words_come_with_times_inside_the_recording(multilingual, speech):
    state = multilingual.feed(speech, multilingual.start(Options(language="de", words=True)))
    found = multilingual.finish(state)
    assert found.language == "de"
    assert all(0 <= w.start < w.end <= found.duration + 320 for w in found.words)
    assert all(0 < w.confidence <= 1 for w in found.words)


@pytest.mark.parametrize("options", [Options(), Options(language="de", context=("Ada",))])
def test_a_batch_is_heard_as_each_of_it_alone(multilingual, speech, options):
    options = replace(options, words=True)
    clips = [speech, speech[:9000], speech[3000:20_000], speech[:100]]
    batch = multilingual.transcribe_batch(clips, options)
    for clip, together in zip(clips, batch, strict=True):
        alone = multilingual.finish(multilingual.feed(clip, multilingual.start(options)))
        assert together.text == alone.text and together.language == alone.language
        assert [(w.text, w.start, w.end) for w in together.words] == [
            (w.text, w.start, w.end) for w in alone.words
        ]
        assert together.duration == alone.duration
