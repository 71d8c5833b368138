"""What is in doubt enters as a mixture of what the decoder held likely."""

import dataclasses

import pytest
import torch

from antiphon.llm.tokenizer import load_tokenizer
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t.direct import SURE, DirectEncoder
from antiphon.s2t.readings import DecoderReadings


@pytest.fixture
def encoder(model, listener) -> DirectEncoder:
    own = model.question_encoder
    readings = DecoderReadings(listener, own.tokenizer, own.embeddings)
    return DirectEncoder(own.recognizer, readings, own.tokenizer, own.embeddings)


@pytest.fixture
def heard() -> Transcription:
    torch.manual_seed(5)
    pieces = (*"cat", "")
    return Transcription(
        torch.randn(16, 16), torch.randn(4, 16), torch.arange(8) // 2, "cat", pieces
    )


def test_without_doubt_the_language_model_reads_the_transcript(encoder, heard):
    sure = dataclasses.replace(heard, log_probs=torch.zeros(len(heard.pieces)))
    ids = encoder.tokenizer(sure.text, add_special_tokens=False)["input_ids"]
    assert torch.equal(encoder.embed(sure), encoder.embeddings[ids].float())


def test_what_was_not_written_is_weighted_by_what_the_decoder_held_likely(encoder, heard):
    decoder, own = encoder.readings.decoder, encoder.tokenizer.get_vocab()
    rows = [0]
    _, found = encoder.readings.read(heard, rows)
    logits = (heard.words[:1] @ decoder.embed_tokens.weight.T)[0]
    shares = torch.full((len(encoder.embeddings),), -torch.inf)
    for token in range(decoder.end):
        at = own.get(encoder.recognizer.transcriber.piece(token), -1)
        if at >= 0 and at != own.get(heard.pieces[0], -1) and decoder.allowed[token] == 0:
            shares[at] = logits[token]
    likely = shares.topk(8)
    expected = likely.values.softmax(-1) @ encoder.embeddings[likely.indices].float()
    torch.testing.assert_close(found[0], expected, atol=1e-4, rtol=1e-4)


def test_the_less_sure_a_piece_the_farther_it_is_from_what_was_written(encoder, heard):
    ids = encoder.tokenizer(heard.text, add_special_tokens=False)["input_ids"]
    read = encoder.embeddings[ids].float()
    away = []
    for share in (SURE / 2, SURE / 8):
        log_probs = torch.zeros(len(heard.pieces))
        log_probs[0] = torch.tensor(share).log()
        unsure = encoder.embed(dataclasses.replace(heard, log_probs=log_probs))
        away.append(float((unsure - read).norm()))
    assert 0 < away[0] < away[1]


def test_a_tokenizer_without_transformers_will_do(encoder, listener, tmp_path):
    encoder.tokenizer.save_pretrained(tmp_path)
    light = load_tokenizer(tmp_path)
    assert type(light) is not type(encoder.tokenizer)
    readings = DecoderReadings(listener, light, encoder.embeddings)
    assert torch.equal(readings.tokens, encoder.readings.tokens)
