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
