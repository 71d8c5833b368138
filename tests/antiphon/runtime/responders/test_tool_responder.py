from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from antiphon.messages import Speech, Turn, Word
from antiphon.runtime.clock import WallClock
from antiphon.runtime.responders.tool_responder import ToolResponder
from antiphon.runtime.session.heard_words import SampleRanges, SpokenWords
from antiphon.tools import Call, Result, Tool


@dataclass
class Said:
    text: str
    complete: float | None = None
    doubt: str | None = None


class FakeStream:
    def __init__(self, text, doubt=None):
        self.text, self.doubt, self.finished = text, doubt, 0

    def feed(self, pcm):
        self.text += f" {len(pcm)}"

    def finish(self):
        self.finished += 1
        return Said(self.text, doubt=self.doubt)


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

    def __init__(self, confirm=False, **call):
        tool = Tool("warmth", "How warm.", says="It is {value} degrees.", confirm=confirm)
        self.call, self.tools = call, {"warmth": tool}

    def decide_all(self, text):
        return [Call("warmth", **self.call)] * text.count("warm")


def responder_of(responder: Any, toolbox: Any, execute: Any, **rest: Any) -> ToolResponder:
    return ToolResponder(responder, toolbox, execute, **rest)


def done(outcome):
    future: Future = Future()
    future.set_result(outcome)
    return future


def talk(responder, cancelled=lambda: False, history=()):
    stream = responder.listen(history)
    return [p.text for p in responder.respond(stream, history, cancelled=cancelled, seed=0)]


class FakeClock(WallClock):
    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return self.seconds


class Dialogue:
    """A responder with one tool, turn after turn."""

    def __init__(self, **box):
        self.calls, self.history, self.clock = [], [], FakeClock()
        self.speaker = Speaker("")
        self.box = FakeBox(**box)
        self.responder = responder_of(self.speaker, self.box, self.execute, clock=self.clock)

    def execute(self, call):
        self.calls.append(call.name)
        return done(Result(True, 21))

    def say(self, text, heard=None):
        """The answer to a turn; `heard` is what of it reached the user, if not all."""
        self.speaker.stream.text = text
        said = "".join(talk(self.responder, history=tuple(self.history)))
        self.history += [Turn("user", text), Turn("assistant", said if heard is None else heard)]
        return said


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
    assert talk(responder) == ["It is 21 degrees.", " It is 22 degrees."]


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


QUESTION = "Shall I warmth?"
ANSWER = "It is 21 degrees."


@pytest.mark.parametrize("yes", ["Yes.", "Yeah, sure.", "Go ahead, please.", "Yes, warm it."])
def test_a_tool_to_be_confirmed_is_read_back_and_used_after_a_yes(yes):
    dialogue = Dialogue(confirm=True)
    assert dialogue.say("warm it") == QUESTION
    assert dialogue.calls == []
    assert dialogue.say(yes) == ANSWER
    assert dialogue.calls == ["warmth"]


@pytest.mark.parametrize("no", ["No.", "No, thanks.", "Don't.", "No, the other one.", "Stop!"])
def test_after_a_no_nothing_is_done_and_a_later_yes_counts_for_nothing(no):
    dialogue = Dialogue(confirm=True)
    dialogue.say("warm it")
    assert dialogue.say(no) == "All right, I won't."
    assert dialogue.say("Yes.") == "answer to Yes."
    assert dialogue.calls == []


@pytest.mark.parametrize("other", ["Yes, but not yet.", "Who wrote Hamlet?", "Maybe."])
def test_what_is_no_clear_yes_does_nothing(other):
    dialogue = Dialogue(confirm=True)
    dialogue.say("warm it")
    dialogue.say(other)
    assert dialogue.calls == []


def test_the_question_is_repeated_when_asked_to():
    dialogue = Dialogue(confirm=True)
    dialogue.say("warm it")
    assert dialogue.say("What did you say?") == QUESTION
    assert dialogue.say("Yes.") == ANSWER


def test_a_yes_before_the_question_was_heard_whole_is_no_consent():
    dialogue = Dialogue(confirm=True)
    dialogue.say("warm it", heard="Shall I—")
    assert dialogue.say("Yes.") == QUESTION
    assert dialogue.calls == []
    assert dialogue.say("Yes.") == ANSWER


def test_a_yes_that_comes_a_minute_later_is_no_consent():
    dialogue = Dialogue(confirm=True)
    dialogue.say("warm it")
    dialogue.clock.seconds = 61
    assert dialogue.say("Yes.") == "answer to Yes."
    assert dialogue.calls == []


def test_a_turn_that_goes_on_after_a_yes_is_decided_anew():
    dialogue = Dialogue(confirm=True)
    dialogue.say("warm it")
    asked = tuple(dialogue.history)
    dialogue.speaker.stream.text = "Yes."
    assert talk(dialogue.responder, lambda: True, asked) == []
    assert dialogue.calls == []
    assert dialogue.say("Yes. But not yet.") == "answer to Yes. But not yet."


def test_what_was_missing_is_taken_from_the_next_turn():
    dialogue = Dialogue(missing=("room",))
    assert dialogue.say("warm it.") == "Please say the room, too."
    dialogue.box.call = {}
    assert dialogue.say("the kitchen") == ANSWER


def test_of_two_actions_none_is_done_if_one_needs_a_yes():
    dialogue = Dialogue(confirm=True)
    assert dialogue.say("warm and warm") == "Shall I warmth and then warmth?"
    assert dialogue.say("Yes.") == f"{ANSWER} {ANSWER}"


def test_what_is_not_believed_is_no_command():
    calls = []
    speaker = Speaker("make it warm")
    speaker.stream.doubt = "unclear"
    responder = responder_of(speaker, FakeBox(), calls.append)
    assert talk(responder) == ["answer to make it warm"]
    assert calls == []


class WordByWord(Speaker):
    """Speaks every word for ten samples, in pieces of five, two words a segment."""

    def say(self, text, *, cancelled):
        words = text.split()
        segments = [words[i : i + 2] for i in range(0, len(words), 2)]
        at = 0
        for n, segment in enumerate(segments):
            placed = tuple(Word(w, at + 10 * i, at + 10 * i + 10) for i, w in enumerate(segment))
            pieces = 2 * len(segment)
            for i in range(pieces):
                yield Speech(
                    np.zeros(5, np.float32), 22_050, at, (" " if n else "") + " ".join(segment),
                    units=(1,) if i == pieces - 1 else (), words=placed if i == 0 else (),
                    final=i == pieces - 1 and n == len(segments) - 1,
                )  # fmt: skip
                at += 5


def test_of_two_results_only_the_one_that_was_heard_is_remembered():
    speaker = WordByWord("warm and warm")
    responder = responder_of(speaker, FakeBox(), lambda call: done(Result(True, 20)))
    pieces = list(responder.respond(responder.listen(()), (), cancelled=lambda: False, seed=0))
    script = SpokenWords()
    for piece in pieces:
        script.add(piece)
    assert script.text == "It is 20 degrees. It is 20 degrees."
    assert [piece.start for piece in pieces] == list(range(0, 80, 5))
    assert [piece.final for piece in pieces] == [False] * 15 + [True]
    assert script.heard(SampleRanges(40)) == "It is 20 degrees."
    assert script.heard(SampleRanges(60)) == "It is 20 degrees. It is"
