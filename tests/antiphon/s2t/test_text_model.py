"""Questions to a language model behind a server: heard as transcripts, answered as text."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from fake_chat_server import FakeChatServer, delta, saying

from antiphon.errors import UserError
from antiphon.llm.language_model import from_pretrained
from antiphon.messages import Turn
from antiphon.recognition.recognizer import Transcript
from antiphon.s2t import question_encoder
from antiphon.s2t.cascade import CascadeEncoder
from antiphon.s2t.speech_to_text import SpeechToText

SOUND = np.zeros(1600, np.float32)
HISTORY = (Turn("user", "Hi."), Turn("assistant", "Hello."))


class Recognizer:
    """Hears how many samples there were."""

    doubt = None

    def start(self, options=None):
        return 0

    def feed(self, pcm, state):
        return state + len(pcm)

    def finish(self, state):
        return Transcript(f"{state} samples", None, self.doubt)


@pytest.fixture
def server():
    with FakeChatServer() as server:
        yield server


@pytest.fixture
def s2t(server):
    return SpeechToText(from_pretrained(server.address), CascadeEncoder(Recognizer()))


def text_of(tokens):
    return "".join(token.text for token in tokens)


def test_the_history_and_the_transcript_are_sent(server, s2t):
    stream = s2t.start(HISTORY)
    stream.feed(SOUND)
    assert not server.requests  # nothing is asked before the question is over
    assert text_of(s2t.reply(stream)) == "Hello there."
    assert server.requests[-1]["messages"] == [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "1600 samples"},
    ]


@pytest.mark.parametrize("question", [SOUND, "1600 samples"])
def test_sound_and_text_are_answered(server, s2t, question):
    assert text_of(s2t.reply(question, HISTORY, temperature=0.7, top_p=0.5)) == "Hello there."
    sent = server.requests[-1]
    assert sent["messages"][-1]["content"] == "1600 samples" and len(sent["messages"]) == 3
    assert (sent["max_tokens"], sent["temperature"], sent["top_p"]) == (160, 0.7, 0.5)


def test_where_nobody_speaks_the_server_is_not_asked(server, s2t):
    s2t.question_encoder.recognizer.doubt = "no speech"
    assert not list(s2t.reply(SOUND)) and not list(s2t.reply("Hello?", max_tokens=0))
    assert not server.requests


def test_a_server_that_does_not_stop_is_stopped(server, s2t):
    left = threading.Event()

    def answer(wire):
        wire.head()
        while wire.wait(0.001) is None:
            wire.event(delta(" and so on"))
        left.set()

    server.answer = answer
    assert len(list(s2t.reply("Well?", max_tokens=40))) == 40
    assert left.wait(1)
    left.clear()
    found = []
    found.extend(s2t.reply("Well?", cancelled=lambda: len(found) >= 3))
    assert len(found) == 3 and left.wait(1)


def test_two_thousand_words_without_a_full_stop_end_at_the_limit(server, s2t):
    server.answer = saying(" and" * 2000)
    assert text_of(s2t.reply("Well?", max_tokens=160)).split() == ["and"] * 160


def test_such_a_model_cannot_hear_directly(s2t):
    with pytest.raises(UserError, match="choose --ears cascade"):
        question_encoder.from_pretrained("s2t", lambda: s2t.llm, "whisper-tiny.en")
