"""Answers that are asked for, turns that were written, and a memory that is given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_conversation import END, SPEECH, WORD, Driver, FakeResponder

from antiphon.messages import Turn
from antiphon.runtime import events
from antiphon.runtime.options import Options


def driver(**options):
    return Driver(FakeResponder(), options=Options(**options))


def test_a_turn_is_answered_when_the_answer_is_asked_for():
    talk = driver(answer=False).ask().run(50)
    assert talk.texts() == [("user", "heard 20 frames")]
    assert not talk.responder.answered
    assert talk.conversation.state == "idle"
    talk.conversation.respond()
    talk.run(100)
    assert talk.responder.answered == [("heard 20 frames", ())]
    assert talk.texts()[1][1] == "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5"
    assert talk.of(events.Latency)


def test_turns_that_were_not_answered_are_answered_together():
    talk = driver(answer=False).ask(10).run(20).ask(12).run(20)
    talk.conversation.respond()
    talk.run(100)
    assert talk.responder.answered == [("heard 10 frames heard 12 frames", ())]
    assert len(talk.texts()) == 2


def test_a_written_turn_is_answered_after_what_was_remembered():
    talk = driver()
    past = [Turn("user", "I am Lena."), Turn("assistant", "Hello Lena.")]
    talk.conversation.remember([*past, Turn("user", "Who am I?")], "Be brief.")
    talk.conversation.respond()
    talk.run(100)
    assert talk.responder.answered == [("Who am I?", (Turn("system", "Be brief."), *past))]
    assert len(talk.texts()) == 4


def test_where_nothing_was_said_a_prompt_is_answered_and_not_remembered():
    talk = driver()
    talk.conversation.respond("Greet the user.")
    talk.run(100)
    assert talk.responder.answered == [("Greet the user.", ())]
    assert [role for role, _ in talk.texts()] == ["assistant"]


def test_an_answer_that_was_asked_for_waits_for_the_user():
    talk = driver().run(10, SPEECH)
    talk.conversation.respond("Hello.")
    talk.run(END).run(120)
    assert talk.responder.answered[0][0] == "heard 10 frames"


def test_a_memory_that_is_given_counts_for_the_turn_that_is_being_spoken():
    talk = driver().run(20, SPEECH)
    talk.conversation.remember([Turn("user", "a"), Turn("assistant", "b")])
    talk.run(END).run(100)
    assert talk.responder.answered == [
        ("heard 20 frames", (Turn("user", "a"), Turn("assistant", "b")))
    ]


@pytest.mark.parametrize("speed", [0.4, 0.8, 1.5])
def test_a_reply_at_another_speed_says_the_same_words(speed):
    talk = driver().run(1)
    talk.conversation.configure(replace(talk.conversation.options, speed=speed))
    talk.ask().run(round(100 / min(speed, 1)))
    (latency,) = talk.of(events.Latency)
    assert talk.texts()[1][1] == "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5"
    assert np.count_nonzero(talk.sound) == pytest.approx(6 * WORD / speed, rel=0.1)
    assert latency.voice_to_voice_ms < 1000
