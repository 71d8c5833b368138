from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from antiphon.messages import Speech
from antiphon.runtime.responders.tool_responder import ToolResponder
from antiphon.tools import Call, Result, Tool


@dataclass
class Said:
    text: str
    complete: float | None = None


class FakeStream:
    def __init__(self, text):
        self.text, self.finished = text, 0

    def feed(self, pcm):
        self.text += f" {len(pcm)}"

    def finish(self):
        self.finished += 1
        return Said(self.text)


class Speaker:
    """A responder that speaks silence, and remembers what it was to say."""

    def __init__(self, heard):
        self.stream, self.spoken = FakeStream(heard), []

    def listen(self, history):
        return self.stream

    def respond(self, stream, history, *, cancelled, seed):
        yield from self.say(f"answer to {stream.finish().text}", cancelled=cancelled)

    def say(self, text, *, cancelled):
        self.spoken.append(text)
        yield Speech(np.zeros(4, np.float32), 22_050, 0, text, final=True)


class FakeBox:
    """Calls what is named in the utterance."""

    tools = {"warmth": Tool("warmth", "How warm.", says="It is {value} degrees.")}  # noqa: RUF012

    def __init__(self, **call):
        self.call = call

    def decide_all(self, text):
        return [Call("warmth", **self.call)] * text.count("warm")


def responder_of(responder: Any, toolbox: Any, execute: Any, **rest: Any) -> ToolResponder:
    return ToolResponder(responder, toolbox, execute, **rest)


def done(outcome):
    future: Future = Future()
    future.set_result(outcome)
    return future


def talk(responder, cancelled=lambda: False):
    stream = responder.listen(())
    return [p.text for p in responder.respond(stream, (), cancelled=cancelled, seed=0)]


def test_an_ordinary_question_gets_an_ordinary_answer():
    calls = []
    responder = responder_of(Speaker("who wrote hamlet"), FakeBox(), calls.append)
    assert talk(responder) == ["answer to who wrote hamlet"]
    assert calls == []


def test_a_result_is_spoken():
    told = []
    responder = responder_of(
        Speaker("how warm is it"),
        FakeBox(),
        lambda call: done(Result(True, 21)),
        on_call=told.append,
    )
    assert talk(responder) == ["It is 21 degrees."]
    assert [call.name for call in told] == ["warmth"]


def test_two_actions_are_done_in_order_and_both_are_answered():
    values = iter([21, 22])
    responder = responder_of(
        Speaker("warm and warm"), FakeBox(), lambda call: done(Result(True, next(values)))
    )
    assert talk(responder) == ["It is 21 degrees.", "It is 22 degrees."]


def test_what_cannot_be_done_is_said_and_nothing_called():
    calls = []
    box = FakeBox(problem="I cannot drive backwards.")
    assert talk(responder_of(Speaker("how warm"), box, calls.append)) == box.call["problem"].split(
        "|"
    )
    assert calls == []


def test_a_failure_is_spoken():
    failed: Future = Future()
    failed.set_exception(OSError("no sensor"))
    responder = responder_of(Speaker("how warm is it"), FakeBox(), lambda call: failed)
    assert talk(responder) == ["Sorry, that did not work: no sensor."]


def test_a_result_that_never_comes_is_given_up():
    future: Future = Future()
    responder = responder_of(
        Speaker("how warm is it"), FakeBox(), lambda call: future, seconds=0.05
    )
    assert talk(responder) == ["Sorry, that did not work: it took too long."]
    assert future.cancelled()


def test_nothing_is_said_when_nobody_wants_it_any_more():
    future: Future = Future()
    speaker = Speaker("how warm is it")
    asked = iter([False, True, True])
    assert talk(responder_of(speaker, FakeBox(), lambda call: future), lambda: next(asked)) == []
    assert future.cancelled()
    assert speaker.spoken == []


def test_nothing_is_called_for_a_turn_that_was_cancelled():
    calls = []
    assert talk(responder_of(Speaker("how warm"), FakeBox(), calls.append), lambda: True) == []
    assert calls == []


def test_what_is_missing_is_asked_for_and_nothing_called():
    calls = []
    responder = responder_of(Speaker("how warm is it"), FakeBox(missing=("room",)), calls.append)
    assert talk(responder) == ["Please say the room, too."]
    assert calls == []


def test_the_end_of_a_turn_is_worked_out_once():
    speaker = Speaker("hello")
    responder = responder_of(speaker, FakeBox(), lambda call: done(Result(True)))
    stream = responder.listen(())
    stream.finish()
    stream.finish()
    assert speaker.stream.finished == 1
    stream.feed(np.zeros(3, np.float32))
    assert stream.finish().text == "hello 3"


@pytest.mark.parametrize("text", ["One.", "Two."])
def test_a_given_text_is_spoken_as_it_is(text):
    responder = responder_of(Speaker(""), FakeBox(), lambda call: done(Result(True)))
    assert [p.text for p in responder.say(text, cancelled=lambda: False)] == [text]
