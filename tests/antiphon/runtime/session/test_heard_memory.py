"""Whatever a device does, the words that are remembered are those that came to the listener's ear.

`ANTIPHON_HISTORIES=1000` in the environment tries so many random histories.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter, deque
from typing import Any

import numpy as np
import pytest
from fake_conversation import FakeAnalyzer, FakeResponder
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from antiphon.messages import Speech, Word
from antiphon.runtime.audio.simulated_device import Fault, Simulated
from antiphon.runtime.events import ReplyText
from antiphon.runtime.frames import FRAME
from antiphon.runtime.options import Options
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.session.loop import converse

RATE, WORD, WORDS = 22_050, 4410, 5
HEARD_WORD = WORD * 16_000 // RATE
"""Samples of a word at the listener's ear."""
REPLIES, STEP = 34, 0.005
"""Replies that sound different, and how much louder each word is than the one before."""
CLEARING = 20
"""Frames after which a device has played what it said, when it was cleared, that it would play."""
UNCLEAR = 0.2
"""Share of a word around its middle in which a fade decides whether it counts as heard."""


COUNTS: Counter[str] = Counter()
"""What was tried in all: histories, words that began, words that were heard."""


@pytest.fixture(scope="module", autouse=True)
def counted():
    """Says how much was tried, if one wanted many histories."""
    yield
    if "ANTIPHON_HISTORIES" in os.environ:
        print(f"\n{dict(COUNTS)}")


class LoudnessResponder(FakeResponder):
    """Every word of the newest replies has a loudness of its own."""

    def hum(self, count, cancelled, text=""):
        reply = self.replies % REPLIES
        self.replies += 1
        for i in range(count):
            if cancelled():
                return
            pcm = np.full(WORD, 0.1 + STEP * (reply * WORDS + i), np.float32)
            word = Word(f"r{reply}w{i}", i * WORD, (i + 1) * WORD)
            yield Speech(pcm, RATE, word.start, f" {word.text}", (1,), (word,), i == count - 1)


class Stretches:
    """A device whose microphone gives frames in stretches; everything else is the device's."""

    def __init__(self, duplex) -> None:
        self._duplex, self._frames, self.left = duplex, iter(duplex), 0

    def __iter__(self):
        while self.left:
            self.left -= 1
            yield next(self._frames)

    def __getattr__(self, name):
        return getattr(self._duplex, name)


class Devices(RuleBasedStateMachine):
    """A conversation with a microphone and a speaker."""

    @initialize(
        latency=st.sampled_from([0, 40, 100, 300]),
        drift=st.sampled_from([0.0, 200.0, -200.0]),
        slow=st.sampled_from([0, 6]),
    )
    def a_conversation_begins(self, latency, drift, slow):
        self.device_events, self.events, self.to_say = deque(), [], deque()
        sound = (self.frame() for _ in itertools.count())
        self.duplex = Simulated(
            sound,
            RATE,
            latency_ms=latency,
            drift_ppm=drift,
            emit=self.device_events.append,
            keep=True,
        )
        self.stretches: Any = Stretches(self.duplex)
        analyzer: Any = FakeAnalyzer()
        self.work = InlineWorker()
        self.work.frames_per_output = slow
        options = Options(memory_tokens=1_000_000)
        self.talk = Conversation(
            LoudnessResponder(WORDS), options, work=self.work, analyzer=analyzer
        )

    def frame(self):
        return np.full(FRAME, self.to_say.popleft() if self.to_say else 0.0, np.float32)

    def run_for(self, count):
        self.stretches.left = count
        events = self.device_events
        converse(self.talk, self.stretches, device_events=events, watch=self.events.append)

    @rule(count=st.integers(1, 150))
    def time_passes(self, count):
        self.run_for(count)

    @rule()
    def somebody_asks(self):
        self.to_say.extend([0.5] * 20)
        self.run_for(45)

    @rule(count=st.integers(2, 30), wait=st.integers(0, 60))
    def somebody_interrupts(self, count, wait):
        self.run_for(wait)
        self.to_say.extend([0.5] * count)
        self.run_for(count + 5)

    @rule()
    def the_word_stop_is_heard(self):
        self.to_say.append(1.0)
        self.run_for(2)

    @rule(words=st.integers(1, WORDS))
    def a_text_is_said(self, words):
        self.talk.say(" ".join(["word"] * words))
        self.run_for(words * 5)

    @rule()
    def it_is_stopped(self):
        self.talk.stop()
        self.run_for(2)

    @rule(kind=st.sampled_from(["gone", "dropout", "muted"]), count=st.integers(1, 150))
    def the_device_fails(self, kind, count):
        self.run_for(CLEARING)
        at = len(self.duplex.listened)
        self.duplex._faults += (Fault(kind, at, count * FRAME),)
        self.run_for(count if kind != "dropout" else 1)
        self.run_for(5)

    def teardown(self):
        for _ in range(40):
            self.run_for(50)
            if self.talk.state == "idle":
                break
        assert self.talk.state == "idle"
        said = [turn.text for turn in self.talk.history if turn.role == "assistant"]
        remembered = " ".join(said).replace("—", " ").split()
        begun = [word for e in self.events if isinstance(e, ReplyText) for word in e.text.split()]
        assert set(remembered) <= set(begun) and len(set(remembered)) == len(remembered)
        sound = self.duplex.listened
        for word in begun:
            reply, index = map(int, word[1:].split("w"))
            level = 0.1 + STEP * (reply * WORDS + index)
            share = np.count_nonzero(np.abs(sound - level) < STEP / 4) / HEARD_WORD
            if word in remembered:
                assert share > 0.5 - UNCLEAR, (word, said)
            else:
                assert share < 0.5 + UNCLEAR, (word, said)
        COUNTS.update(histories=1, words=len(begun), heard=len(remembered))


DevicesTest = Devices.TestCase
DevicesTest.settings = settings(
    max_examples=int(os.environ.get("ANTIPHON_HISTORIES", "8")),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
