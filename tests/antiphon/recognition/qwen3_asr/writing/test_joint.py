"""What is heard is written even where the language model would say something else."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from antiphon.recognition.qwen3_asr import recognizer as module
from antiphon.recognition.qwen3_asr.checkpoint import load
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.recognizer import Qwen3AsrRecognizer
from antiphon.recognition.qwen3_asr.writing.context_words import ContextWords
from antiphon.recognition.qwen3_asr.writing.joint import BEAM, Hypothesis, Joint
from antiphon.recognition.qwen3_asr.writing.known_words import KnownWords
from antiphon.recognition.qwen3_asr.writing.reader import Written
from antiphon.recognition.qwen3_asr.writing.spelling import Spelling
from antiphon.recognition.transcript import Options

RATE = 16_000
SOUND = np.random.default_rng(1).normal(0, 0.1, 4 * RATE).astype(np.float32)


@pytest.fixture
def recognizer(native, monkeypatch):
    """One that hears a text of ours: each letter, or another, between silence."""
    checkpoint = load(native)
    checkpoint.model.config.heard_weight = 1.0
    found = Qwen3AsrRecognizer(checkpoint, "tiny")
    said: dict[str, str] = {"text": "hello there"}
    tokens = partial(checkpoint.tokenizer.encode, add_special_tokens=False)

    def log_probs(sounds: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        likely = torch.full((len(table),), 0.1 / len(table))
        silence, frames = likely.clone(), list[torch.Tensor]()
        silence[checkpoint.model.config.audio_token_id] += 0.9
        others = tokens(" " + said.get("doubt", said["text"]))
        for token, other in zip(tokens(" " + said["text"]), others, strict=True):
            letter = likely.clone()
            letter[token] += 0.5
            letter[other] += 0.4
            frames += [silence, letter, silence]
        return torch.stack(frames).log()

    monkeypatch.setattr(module, "log_probs", log_probs)
    return found, said


def written(recognizer, pcm=SOUND, **options):
    state = recognizer.start(Options(**options))
    return recognizer.finish(recognizer.feed(pcm, state))


def test_the_text_is_what_is_heard(recognizer):
    found, _ = recognizer
    assert written(found, language="en").text == "hello there"
    found._spellings = []
    assert written(found, language="en").text != "hello there"


def test_of_two_words_that_are_heard_the_context_tells_which(recognizer):
    found, said = recognizer
    said["doubt"] = "hello where"
    assert written(found, language="en").text == "hello there"
    assert written(found, language="en", context=("where",)).text == "hello where"
    assert written(found, language="en", context=("shore",)).text == "hello there"


def test_of_two_words_that_are_heard_letters_tell_which(recognizer, tiny_tokenizer):
    found, said = recognizer
    said["doubt"] = "hello where"
    letters = Letters(" ehlotrw", 1)
    found._spellings.append(Spelling.of_letters(tiny_tokenizer, found.marks, letters))

    def heard(text):
        spelled = [label for letter in text for label in (0, *letters.spell(letter), 0)]
        return (torch.eye(9)[spelled] + 0.01).log().log_softmax(-1)

    for text in ("hello where", "hello there"):
        found.letters = lambda states, text=text: heard(text)
        assert written(found, language="en").text == text


def test_a_mark_is_not_followed_by_a_mark(recognizer, tiny_tokenizer):
    found, _ = recognizer
    state = found.feed(SOUND, found.start(Options(language="en")))
    windows = [*state.windows, *map(found.encode, found.features.finish(state.features))]
    heard = found._heard(windows)
    joint = Joint(heard[0], (), ContextWords((), tiny_tokenizer), KnownWords(None, "English"))
    comma, letter = tiny_tokenizer.encode(",a", add_special_tokens=False)
    likely = np.arange(len(tiny_tokenizer)) == comma
    for last, follows in ((letter, True), (comma, False)):
        answer = Hypothesis(Written((last,), (0.0,)))
        assert (comma in joint._of(answer, likely.astype(np.float32), likely * 1.0)) is follows


def test_clips_at_once_are_written_as_each_alone(recognizer):
    found, _ = recognizer
    for options in (Options(language="en"), Options(languages=("de", "fr"))):
        begun = found.start(options)
        states = [found.feed(clip, begun) for clip in (SOUND, SOUND[:RATE], SOUND[: 2 * RATE])]
        at_once = found._write_all(states, BEAM)
        assert [each.tokens for each in at_once] == [
            found._write(state, BEAM).tokens for state in states
        ]


def test_a_language_is_named_before_the_text(recognizer):
    found, _ = recognizer
    text = written(found, languages=("de", "fr")).text
    assert text.lower() == "hello there"  # case is not heard


def test_readings_of_a_growing_recording_go_on_from_the_last(recognizer):
    found, said = recognizer
    state = found.start(Options(language="en"))
    for second, text in enumerate(["hell", "hello th", "hello there", "hello there now"] * 2):
        said["text"] = text if second < 4 else "hello there now"
        state = found.feed(SOUND[:RATE], state)
    assert state.readings >= 3
    assert found.finish(state).text.split()[-1] == "now"


def test_an_answer_has_an_end_whatever_is_heard(recognizer):
    found, said = recognizer
    said["text"] = "a" * 400
    assert len(written(found, SOUND[: RATE // 2], language="en").text) <= 5 + 16


def test_how_tokens_are_heard(tiny_tokenizer, recognizer):
    found, _ = recognizer
    spelling = Spelling.of_tokens(tiny_tokenizer, found.marks)
    ids = tiny_tokenizer.encode("A.a", add_special_tokens=False)
    assert [spelling.labels[token] for token in ids] == [(ids[2],), (), (ids[2],)]
    assert spelling.labels[found.marks.turn_end] is None
    space = tiny_tokenizer.encode(" ", add_special_tokens=False)[0]
    assert spelling.first[ids[0]] == (space, ids[2])
