"""An agent whose language model is behind a server, in a conversation."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from fake_chat_server import FakeChatServer, delta, saying
from fake_conversation import OUT, RATE, WORD, Driver

from antiphon.agent import Agent
from antiphon.errors import UserError
from antiphon.llm.language_model import from_pretrained
from antiphon.messages import Speech, Turn, Word
from antiphon.recognition.recognizer import Transcript
from antiphon.runtime import events
from antiphon.runtime.responders.agent_responder import AgentResponder
from antiphon.runtime.responders.worker import ThreadWorker
from antiphon.s2t.cascade import CascadeEncoder
from antiphon.s2t.speech_to_text import SpeechToText


class Recognizer:
    """Hears a question wherever it is loud."""

    def start(self, options=None):
        return False

    def feed(self, pcm, state):
        return state or bool(np.abs(pcm).max() > 0.1)

    def finish(self, state):
        return Transcript("Are you there?" if state else "")


class WordVoice:
    """Says a word in a fifth of a second."""

    sample_rate, samples_per_unit = RATE, 0

    def speak(self, segments, *, source="hidden", seed=0):
        at = 0
        for segment in segments:
            spoken = segment.text.split()
            words = tuple(
                Word(word, at + i * WORD, at + (i + 1) * WORD) for i, word in enumerate(spoken)
            )
            pcm = np.full(len(spoken) * WORD, 0.1, np.float32)
            yield Speech(pcm, RATE, at, segment.text, (1,), words, segment.final)
            at += len(pcm)


@pytest.fixture
def server():
    with FakeChatServer() as server:
        yield server


@pytest.fixture
def driver(server):
    s2t = SpeechToText(from_pretrained(server.address), CascadeEncoder(Recognizer()))
    voice: Any = WordVoice()
    driver = Driver(AgentResponder(Agent(s2t, voice, source="text")))
    yield driver
    driver.conversation.close()


def answered(driver):
    """What is said to the next question."""
    before = len(driver.of(events.ReplyFinished))
    driver.ask(20)
    for _ in range(40):
        driver.run(WORD // OUT)
        if len(driver.of(events.ReplyFinished)) > before:
            break
    assert not driver.of(events.Failed)
    return driver.of(events.ReplyFinished)[-1].text


def test_a_conversation_is_remembered_by_the_server(server, driver):
    assert answered(driver) == "Hello there."
    assert answered(driver) == "Hello there."
    assert [message["role"] for message in server.requests[-1]["messages"]] == [
        "user",
        "assistant",
        "user",
    ]


def test_a_server_that_fails_is_said_aloud_and_the_conversation_goes_on(server, driver):
    good = server.answer
    server.answer = lambda wire: wire.whole(b'{"error": "out of memory"}', 500)
    said = answered(driver)
    assert said.startswith("The language model's server 127.0.0.1:")
    assert said.endswith("failed (500: out of memory): ask again, and see its log if it goes on.")
    server.answer = good
    assert answered(driver) == "Hello there."


def test_what_was_written_before_a_failure_is_said_too(server, driver):
    server.answer = saying("The capital", " is Par", finish=None, done=False)
    said = answered(driver)
    assert said.startswith("The capital is Par. The language model's server 127.0.0.1:")
    assert "broke off" in said


def test_a_server_that_has_gone_is_said_aloud(server, driver):
    server.__exit__()
    assert "cannot be reached: start it" in answered(driver)


def test_a_reply_that_is_interrupted_closes_the_connection(server, driver):
    left = threading.Event()

    def answer(wire):
        wire.head()
        for _ in range(20):
            wire.event(delta(" and so on,"))
        if wire.wait():
            left.set()

    server.answer = answer
    live = Driver(driver.responder, work=ThreadWorker()).ask(20)
    for _ in range(500):
        time.sleep(0.005)
        if live.run(1).conversation.state == "speaking":
            break
    assert live.conversation.state == "speaking" and not left.wait(0.1)
    live.conversation.stop()
    live.run(1)
    assert left.wait(0.5)
    live.conversation.close()


def test_a_written_question_is_answered_in_writing(server, driver):
    never = {"cancelled": lambda: False}
    history = (Turn("user", "I am Lena."), Turn("assistant", "Hello."))
    written = driver.responder.write("And who are you?", history, **never)
    assert "".join(written) == "Hello there."
    said = [message["content"] for message in server.requests[-1]["messages"]]
    assert said[-3:] == ["I am Lena.", "Hello.", "And who are you?"]
    server.__exit__()
    with pytest.raises(UserError, match="cannot be reached"):
        list(driver.responder.write("Hello?", (), **never))


def test_a_text_is_spoken_while_it_is_written(driver):
    written = []

    def text():
        for word in ["It is a", " fine day", " and we", " go out", " for a", " walk."]:
            written.append(word)
            yield word

    pieces = driver.responder.say(text(), cancelled=lambda: False)
    first = next(pieces)
    assert first.text == "It is a fine" and len(written) < 5
    assert first.text + "".join(piece.text for piece in pieces) == "".join(written)
