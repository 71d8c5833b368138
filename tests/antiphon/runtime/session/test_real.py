"""The committed models in a conversation: asked, interrupted, recorded and replayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.runtime import events
from antiphon.runtime.frames import FRAME
from antiphon.runtime.options import Options
from antiphon.runtime.recordings.recorder import FileRecorder
from antiphon.runtime.recordings.replay import replay
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.session.heard_words import CUT

QUESTIONS = Path(__file__).parents[4] / "assets" / "questions"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def responder():
    from antiphon.agent import Agent
    from antiphon.runtime.responders.agent_responder import AgentResponder

    try:
        return AgentResponder(Agent.load())
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def begin(responder, tmp_path):
    begun = []

    def make(**choices):
        try:
            recorder = FileRecorder(tmp_path / "recording", Options())
            choices |= {"recorder": recorder, "work": InlineWorker(), "aside": InlineWorker()}
            begun.append(Conversation(responder, **choices))
        except UserError as error:
            pytest.skip(str(error))
        return begun[-1]

    yield make
    for conversation in begun:
        conversation.close()


def play(conversation, sound, seconds=0.0, until=None):
    """Hear a sound, then silence until something happened or for so long."""
    padded = np.pad(sound, (0, -len(sound) % FRAME)).astype(np.float32)
    events, quiet = [], np.zeros(FRAME, np.float32)
    frames = [*padded.reshape(-1, FRAME), *[quiet] * int(50 * seconds)]
    for frame in frames:
        conversation.step(frame)
        while conversation.events:
            events.append(conversation.events.popleft())
        if until and any(isinstance(event, until) for event in events):
            break
    return events


def question(name):
    return audio_file.read(QUESTIONS / f"{name}.wav")


def test_a_conversation_is_heard_interrupted_remembered_and_replayed(begin, tmp_path):
    conversation = begin()
    play(conversation, np.zeros(8000))
    first = play(conversation, question("united-states"), 15, events.ReplyText)
    assert "United States" in next(e.text for e in first if isinstance(e, events.Transcript))
    play(conversation, np.zeros(FRAME), 0.3)
    second = play(conversation, question("universe"), 20, events.ReplyFinished)
    stopped = [event for event in second if isinstance(event, events.Interrupted)]
    assert len(stopped) == 1 and stopped[0].heard_ms < 2500
    history = [(turn.role, turn.text) for turn in conversation.history]
    assert [role for role, _ in history] == ["user", "assistant"] * 2
    assert history[1][1] == f"{stopped[0].heard_text.rstrip(',')}{CUT}"
    assert "universe" in history[2][1] and CUT not in history[3][1]
    conversation.close()
    told = replay(tmp_path / "recording", out=tmp_path / "again.wav")
    assert told.differs_at is None
    same = (tmp_path / "recording" / "output.wav").read_bytes()
    assert (tmp_path / "again.wav").read_bytes() == same


def test_a_given_text_is_said(begin):
    conversation = begin()
    conversation.say("Good morning. The door is open.")
    heard = play(conversation, np.zeros(FRAME), 20, events.ReplyFinished)
    assert heard[-1].text == "Good morning. The door is open."


@pytest.mark.parametrize("kind", ["noise", "silence", "clipping"])
def test_what_holds_no_words_is_not_answered(begin, kind):
    chance = np.random.default_rng(0)
    sound = {
        "noise": chance.normal(0, 0.05, 80_000),
        "silence": np.zeros(80_000),
        "clipping": np.sign(chance.normal(size=80_000)),
    }[kind]
    conversation = begin()
    events = play(conversation, sound, 3)
    assert not [event for event in events if isinstance(event, events.ReplyStarted)]
    assert conversation.history == ()
