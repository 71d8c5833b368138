"""The committed ears hear people, and the language model answers them."""

from pathlib import Path

import numpy as np
import pytest

from antiphon import audio_file, weights
from antiphon.evaluation.scores import word_errors
from antiphon.messages import Turn
from antiphon.s2t.speech_to_text import SpeechToText

NEEDED = ("whisper-tiny.en", "smollm2-135m-instruct")
QUESTIONS = Path(__file__).parents[3] / "assets" / "questions"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(weights.is_ready(weights.ENTRIES[name]) for name in NEEDED),
        reason="weights not fetched",
    ),
]


@pytest.fixture(scope="module")
def model():
    return SpeechToText.from_pretrained()


def said(tokens):
    return "".join(token.text for token in tokens)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("universe", "What about the shape of the universe?"),
        ("reading", "What do you want to read about?"),
        ("today", "What do you want to remember about today?"),
    ],
)
def test_a_recorded_question_is_understood(model, name, text):
    pcm = audio_file.read(QUESTIONS / f"{name}.wav")
    assert word_errors(text, model.transcribe(pcm)).percent <= 15


def test_a_fact_is_still_known(model):
    assert said(model.reply("What is the capital of France?")) == "The capital of France is Paris."


def test_a_spoken_question_is_answered_shortly(model):
    pcm = audio_file.read(QUESTIONS / "reading.wav")
    reply = said(model.reply(pcm))
    assert 3 <= len(reply.split()) <= 60
    assert not any(mark in reply for mark in "*#\n")


def test_history_and_silence_are_no_trouble(model):
    history = (Turn("user", "Hello"), Turn("assistant", "Hello. How can I help?"))
    assert said(model.reply(np.zeros(16_000, np.float32), history, max_tokens=20)) is not None


def spaced(pcm, before=0.0, after=0.0):
    return np.pad(pcm, (round(before * 16_000), round(after * 16_000)))


def sounds():
    time, rng = np.arange(3 * 16_000) / 16_000, np.random.default_rng(0)
    yield "silence", np.zeros(48_000)
    yield "hiss", rng.normal(size=48_000) * 0.03
    yield "hum", 0.1 * sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 12))
    yield "tone", 0.3 * np.sin(2 * np.pi * 440 * time)
    yield "clicks", 0.9 * (np.arange(48_000) % 4000 == 0)
    notes = np.repeat([262, 330, 392, 523, 392, 330], 8000)
    phase = 2 * np.pi * np.cumsum(notes) / 16_000
    pluck = np.exp(-4 * (np.arange(48_000) % 8000) / 16_000)
    yield "melody", 0.2 * pluck * sum(np.sin(k * phase) / k for k in range(1, 6))


@pytest.mark.parametrize(
    ("kind", "pcm"), sounds(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_nobody_is_heard_in_sounds_without_speech(model, kind, pcm):
    question = model.hear(pcm.astype(np.float32)).finish()
    assert (question.text, question.doubt) == ("", "no speech")


def test_nothing_is_heard_in_silence_around_a_question(model):
    pcm = audio_file.read(QUESTIONS / "reading.wav")
    plain = model.transcribe(pcm)
    assert model.transcribe(spaced(pcm, before=40)) == plain
    assert model.transcribe(spaced(pcm, before=1, after=20)) == plain


def test_a_quiet_question_is_heard(model):
    pcm = audio_file.read(QUESTIONS / "reading.wav")
    quiet = pcm * (10 ** (-30 / 20) / np.abs(pcm).max())
    assert word_errors("What do you want to read about?", model.transcribe(quiet)).percent <= 15


def test_the_last_word_is_heard_once_though_the_sound_ends_behind_it(model):
    pcm = audio_file.read(QUESTIONS / "today.wav")
    loud = np.flatnonzero(np.abs(pcm) > 0.02 * np.abs(pcm).max())
    text = model.transcribe(pcm[: loud[-1] + 1])
    assert text.lower().count("today") == 1


def test_words_of_several_pieces_enter_as_they_are_read(model):
    heard = model.hear(audio_file.read(QUESTIONS / "universe.wav")).finish()
    encoder = model.question_encoder
    read = encoder.embeddings[encoder.tokenizer(heard.text, add_special_tokens=False)["input_ids"]]
    same = (heard.embeddings == read.float()).all(1)
    assert same.float().mean() > 0.8


def test_a_loop_of_noise_like_speech_is_not_answered_as_a_question(model):
    pcm = audio_file.read(QUESTIONS / "reading.wav")
    backwards = model.hear(pcm[::-1].copy()).finish()
    assert backwards.doubt == "unclear"
