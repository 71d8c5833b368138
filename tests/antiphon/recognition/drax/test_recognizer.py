from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_drax import tiny_drax

from antiphon.recognition.drax.model import Memory
from antiphon.recognition.drax.recognizer import paired, reader
from antiphon.recognition.drax.vocabulary import SubVocabulary, plain
from antiphon.recognition.transcript import Options


@pytest.fixture
def recognizer(listener, whisper):
    return tiny_drax(listener, whisper)


def transcribe(recognizer, pcm, **options):
    state = recognizer.start(Options(**options))
    return recognizer.finish(recognizer.feed(pcm, state))


def test_the_same_seed_writes_the_same_and_pieces_equal_the_whole(recognizer, speech):
    whole = transcribe(recognizer, speech, seed=3)
    assert whole == transcribe(recognizer, speech, seed=3)
    state = recognizer.start(Options(seed=3))
    for piece in np.split(speech, [4000, 11_000]):
        state = recognizer.feed(piece, state)
    assert recognizer.finish(state).text == whole.text


@pytest.mark.parametrize("scoring", ["mode", "mbr", "whisper"])
def test_several_candidates_give_one_text(recognizer, speech, scoring):
    found = transcribe(recognizer, speech, candidates=4, scoring=scoring, steps=2)
    assert found.text == "" or len(found.segments) == 1
    assert found.duration > 0 and found.language == "en"


def test_what_was_read_is_the_draft_of_the_next_step():
    drafts = []

    def decoder(tokens, time, memory, heard, preserve):
        drafts.append(memory.draft.tolist())
        return torch.nn.functional.one_hot(memory.draft + 1, 9).float()

    read = reader(decoder, Memory([], draft=torch.tensor([[1, 2]])))  # type: ignore[arg-type]
    for _ in range(3):
        read(torch.zeros(1, 2, dtype=torch.long), torch.zeros(1), torch.zeros(1, 2) > 0)
    assert drafts == [[[1, 2]], [[2, 3]], [[3, 4]]]


def test_words_are_those_of_the_text_in_order(recognizer, listener, speech):
    tokens = recognizer.vocabulary.encode("hello big world")
    with torch.no_grad():
        guess = recognizer.model.middle(paired(listener.encoder.whole(speech))[None])
    found = recognizer.words(tokens, guess, torch.full((len(tokens),), -0.5))
    assert [w.text for w in found] == ["hello", "big", "world"]
    assert all(w.start < w.end and w.confidence == pytest.approx(0.6065, abs=1e-3) for w in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_a_turn_longer_than_an_utterance_is_heard_in_parts(recognizer, speech, monkeypatch):
    monkeypatch.setattr(recognizer, "longest", 16_000)
    parts = list(recognizer.cut(recognizer.transcriber.encoder.whole(speech)))
    assert len(parts) >= 2 and all(len(part) <= 50 for _, part in parts)
    assert [start for start, _ in parts][1] == len(parts[0][1]) * 320
    found = transcribe(recognizer, speech, steps=0)
    assert [s.start for s in found.segments] == sorted(s.start for s in found.segments)


def test_no_sound_is_no_speech(recognizer):
    assert transcribe(recognizer, np.zeros(0, np.float32)).doubt == "no speech"


def test_no_evaluation_of_the_decoder_is_the_middles_guess(recognizer, speech, monkeypatch):
    monkeypatch.setattr(recognizer.model.decoder, "forward", None)
    assert transcribe(recognizer, speech, steps=0).language == "en"


def test_a_part_of_a_vocabulary_writes_everything(whisper):
    vocabulary = SubVocabulary(Path(whisper / "ctranslate2" / "tokenizer.json"), range(256))
    for text in ("it's élan", "naïve 12 o'clock", "你好"):
        assert vocabulary.decode([*vocabulary.encode(text), 256]) == plain(text)
    assert plain("“It’s 5,” he said - Twice!") == "it's 5 he said twice"
