"""The agent that a newcomer hears: a recorded question, answered rightly and intelligibly.

Its weights are a download of 1.1 GB. So it is tested where they are, and in CI, which fetches them.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from antiphon import audio_file, weights
from antiphon.agent import Agent
from antiphon.errors import UserError
from antiphon.messages import Turn
from antiphon.settings import Models

QUESTIONS = Path(__file__).parents[2] / "assets" / "questions"
DEFAULT = Models().llm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (weights.is_ready(weights.ENTRIES[DEFAULT]) or os.environ.get("ANTIPHON_TEST_DEFAULT")),
        reason=f"{DEFAULT} is not fetched",
    ),
]


@pytest.fixture(scope="module")
def agent():
    try:
        return Agent.from_pretrained(llm=DEFAULT)
    except UserError as error:  # no network, or no room
        pytest.skip(str(error))


def said(agent, question, history=()):
    pieces = list(agent.respond(question, history))
    return "".join(dict.fromkeys(piece.text for piece in pieces)), pieces


def test_it_knows_and_reckons(agent):
    assert "Paris" in said(agent, "What is the capital of France?")[0]
    text, _ = said(agent, "What's seven times eight?")
    assert "fifty-six" in text.lower() or "56" in text


def test_its_hidden_states_drive_the_voice(agent):
    assert agent.source == "hidden" and agent.voice.reads_states


def test_it_is_told_something_and_remembers(agent):
    history = (Turn("user", "My name is Lena."), Turn("assistant", "Nice to meet you, Lena."))
    assert "Lena" in said(agent, "What's my name?", history)[0]


def test_a_recorded_question_is_answered_in_speech_that_is_understood(agent):
    judges = pytest.importorskip("antiphon.evaluation.judges", reason="needs the extra eval")
    scores = pytest.importorskip("antiphon.evaluation.scores", reason="needs the extra eval")
    text, pieces = said(agent, audio_file.read(QUESTIONS / "universe.wav"))
    assert "universe" in text.lower() and len(text.split()) <= 60
    sound = np.concatenate([piece.pcm for piece in pieces])
    heard = judges.recognizer("whisper-tiny.en")(
        judges.at_judges_rate(sound, pieces[0].sample_rate)
    )
    assert scores.word_errors(text, heard).percent <= 20
