"""A real human recording in, intelligible speech out, on the committed weights."""

from __future__ import annotations

import math
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fake_chat_server import FakeChatServer, saying

from antiphon import audio_file, weights
from antiphon.agent import Agent
from antiphon.errors import UserError
from antiphon.messages import Turn

QUESTIONS = Path(__file__).parents[2] / "assets" / "questions"


@pytest.fixture(scope="module")
def agent():
    try:
        return Agent.load()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def recognize():
    judges = pytest.importorskip("antiphon.evaluation.judges", reason="needs the extra eval")
    pytest.importorskip("faster_whisper", reason="needs the extra eval")
    try:
        weights.path("whisper-tiny.en")
    except UserError as error:
        pytest.skip(str(error))
    listen = judges.recognizer("whisper-tiny.en")
    return lambda pcm, rate: listen(judges.at_judges_rate(pcm, rate))


def joined(pieces):
    return np.concatenate([piece.pcm for piece in pieces])


def spoken_text(pieces):
    texts = [piece.text for piece in pieces]
    return "".join(t for i, t in enumerate(texts) if i == 0 or t != texts[i - 1])


def word_errors(said, heard):
    scores = pytest.importorskip("antiphon.evaluation.scores", reason="needs the extra eval")
    return scores.word_errors(said, heard).percent


def test_recorded_questions_get_intelligible_answers(agent, recognize):
    scores = pytest.importorskip("antiphon.evaluation.scores", reason="needs the extra eval")
    found = []
    for path in sorted(QUESTIONS.glob("*.wav")):
        pieces = list(agent.respond(audio_file.read(path)))
        said = spoken_text(pieces)
        assert len(said.split()) >= 3
        assert pieces[-1].final
        found.append(scores.word_errors(said, recognize(joined(pieces), pieces[0].sample_rate)))
    assert len(found) == 5
    assert scores.total(found).percent <= 20


@pytest.mark.parametrize("seconds", [30.02, 31.03, 65.01])
def test_a_recording_longer_than_a_window_is_heard_to_its_end(agent, seconds):
    question = audio_file.read(QUESTIONS / "united-states.wav")
    silence = np.zeros(round(seconds * 16_000) - len(question), np.float32)
    heard = agent.s2t.transcribe(np.concatenate([silence, question]))
    assert "United States" in heard


def test_the_answer_is_about_the_question(agent):
    said = spoken_text(list(agent.respond("What is the capital of France?")))
    assert "Paris" in said


def test_a_language_model_behind_a_server_hears_and_is_heard(recognize):
    reply = "I live in the United States, near the city of Boston."
    with FakeChatServer(saying(*(f" {word}" for word in reply.split()))) as server:
        try:
            agent = Agent.load(llm=server.address)
        except UserError as error:
            pytest.skip(str(error))
        pieces = list(agent.respond(audio_file.read(QUESTIONS / "united-states.wav")))
        assert "United States" in server.requests[-1]["messages"][-1]["content"]
    assert spoken_text(pieces) == reply and pieces[-1].final
    assert word_errors(reply, recognize(joined(pieces), pieces[0].sample_rate)) <= 20
    last = pieces[-1]
    assert "Boston" in [word.text.strip(".") for piece in pieces for word in piece.words]
    assert last.start + len(last.pcm) == len(joined(pieces))


@pytest.mark.parametrize("source", ["hidden", "text"])
def test_both_paths_say_what_was_written(agent, recognize, source):
    voice = Agent(agent.s2t, agent.voice, source=source)
    pieces = list(voice.respond("What is the capital of Italy?"))
    heard = recognize(joined(pieces), pieces[0].sample_rate)
    assert word_errors(spoken_text(pieces), heard) <= 25


def test_pieces_join_and_words_lie_inside_them(agent):
    pieces = list(agent.respond("Why is the sky blue?"))
    at = 0
    for piece in pieces:
        assert piece.start == at
        at += len(piece.pcm)
    words = [word for piece in pieces for word in piece.words]
    assert " ".join(word.text for word in words) == " ".join(spoken_text(pieces).split())
    assert all(a.end <= b.start + 1 for a, b in pairwise(words))
    assert words[-1].end <= at
    assert sum(len(piece.units) for piece in pieces) * agent.voice.codec.samples_per_unit == at
    assert np.abs(joined(pieces)).max() > 0.05


def test_an_answer_can_be_cancelled_and_closed(agent):
    stop = threading.Event()
    pieces = agent.respond("Tell me about the sea.", cancelled=stop.is_set)
    first = next(pieces)
    stop.set()
    assert len(first.pcm)
    assert list(pieces) == []
    again = agent.respond("Tell me about the sea.")
    next(again)
    again.close()


def answered(agent, moment):
    """An answer that is given up at a moment, counted in the times that was asked, and how many."""
    times = 0

    def cancelled():
        nonlocal times
        times += 1
        return times > moment

    question = audio_file.read(QUESTIONS / "universe.wav")
    return list(agent.respond(question, [Turn("user", "Hello.")] * 4, cancelled=cancelled)), times


def test_nothing_is_computed_after_it_was_given_up(agent):
    """While the question is heard, the history is read, the answer written and spoken."""
    whole, times = answered(agent, math.inf)
    assert whole[-1].final and times > 100
    for moment in (0, 3, 20, times // 4, times // 2, times - times // 8):
        said, asked = answered(agent, moment)
        assert asked == moment + 1
        assert not any(piece.final for piece in said)


def test_two_conversations_on_one_agent_do_not_mix(agent):
    questions = ["What is the capital of Spain?", "Who wrote Hamlet?"]
    alone = [joined(list(agent.respond(q))) for q in questions]
    together: list = [None, None]

    def run(i):
        together[i] = joined(list(agent.respond(questions[i])))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert len(one) == len(other)
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_history_is_remembered(agent):
    turns = [Turn("user", "My name is Anna."), Turn("assistant", "Nice to meet you, Anna.")]
    said = spoken_text(list(agent.respond("What is my name?", turns)))
    assert said != spoken_text(list(agent.respond("What is my name?")))


@pytest.mark.parametrize(
    "question",
    [
        np.zeros(8000, np.float32),
        np.random.default_rng(0).normal(0, 0.1, 16000).astype("f4"),
        "",
        "🙂",
    ],
    ids=["silence", "noise", "nothing", "emoji"],
)
def test_odd_questions_get_an_answer_or_none_but_never_a_failure(agent, question):
    pieces = list(agent.respond(question, max_tokens=24))
    assert all(np.isfinite(piece.pcm).all() for piece in pieces)
