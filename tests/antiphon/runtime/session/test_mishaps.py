"""A conversation when things go wrong, and whatever happens."""

from __future__ import annotations

import numpy as np
import pytest
from fake_conversation import Driver, FakeResponder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.runtime import events
from antiphon.runtime.frames import FRAME, sixteen_bits
from antiphon.runtime.options import Options
from antiphon.runtime.session.heard_words import CUT

SILENCE, SPEECH, STOP = 0.0, 0.5, 1.0
END, WORD, OUT = 15, 4410, 441
ENDS = ("Interrupted", "ReplyFinished")
REPLY = 6 * WORD // OUT
"""Frames of a reply of the responder."""


def test_a_responder_that_raises_is_reported_and_the_next_question_answered(drive):
    class Moody(FakeResponder):
        def respond(self, stream, history, **rest):
            if not self.answered:
                self.answered.append(("", ()))
                raise ValueError("no idea")
            yield from super().respond(stream, history, **rest)

    driver = drive(Moody()).ask(20).run(20)
    assert driver.of(events.Failed)[0].error == "ValueError: no idea"
    assert driver.conversation.state == "idle"
    driver.ask(20).run(REPLY + 5)
    assert driver.texts()[-1][0] == "assistant"


def test_a_stream_that_raises_is_reported_and_the_next_question_answered(drive):
    class Hard(FakeResponder):
        def listen(self, history):
            stream = super().listen(history)
            if len(self.streams) == 1:
                stream.feed = lambda pcm: 1 / 0
            return stream

    driver = drive(Hard()).ask(20).run(20)
    assert driver.of(events.Failed)[0].stage == "hearing"
    driver.ask(20).run(REPLY + 5)
    assert driver.texts()[-1][0] == "assistant"


def test_a_device_tells_what_was_heard_and_a_dropped_queue_is_not(drive):
    driver = drive()
    conversation, queued = driver.conversation, 10 * OUT
    driver.ask(20)
    for _ in range(40):
        driver.run(1)
        conversation.heard(max(0, len(driver.out) * OUT - queued))
    driver.conversation.stop()
    driver.run(1)
    assert not driver.of(events.Interrupted)  # the device has not answered yet
    reached = len(driver.out) * OUT - queued
    conversation.dropped(reached)
    driver.run(1)
    first = int(np.argmax(driver.sound > 0))
    heard_ms = driver.of(events.Interrupted)[0].heard_ms
    assert heard_ms == pytest.approx((reached - first) / 22.05, abs=1)


def test_a_reply_paused_goes_on_where_the_device_was(drive):
    driver = drive()
    conversation, queued = driver.conversation, 10 * OUT
    driver.ask(20)
    dropped = []
    for frame in range(REPLY + 60):
        driver.run(1, SPEECH if 20 <= frame < 27 else SILENCE)
        at = len(driver.out) * OUT
        if driver.events and isinstance(driver.events[-1], events.Paused) and not dropped:
            dropped.append((at - queued, at))
            conversation.dropped(at - queued)
        else:
            conversation.heard(at - queued if not dropped or at - queued > dropped[0][1] else 0)
    start, stop = dropped[0]
    sound = np.concatenate([driver.sound[:start], driver.sound[stop:]])
    full = sound[sound > 0.1]
    covered = np.unique(np.round((full - 0.1) * 1e5).astype(int) // 10)
    assert len(covered) > 0.97 * 6 * WORD / 10
    assert driver.texts()[-1][1].endswith("r1w5")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_do_no_harm(drive, value):
    driver = drive()
    driver.conversation.step(np.full(FRAME, value, np.float32))
    driver.run(5).ask(20).run(REPLY + 5)
    assert np.isfinite(driver.sound).all()


actions = st.lists(
    st.one_of(
        st.tuples(st.just(SPEECH), st.integers(1, 40)),
        st.tuples(st.just(SILENCE), st.integers(1, 80)),
        st.tuples(st.just(STOP), st.integers(1, 2)),
        st.sampled_from(["stop", "press", "release", "mute", "open", "say", "slow", "fast"]),
    ),
    max_size=14,
)


def perform(driver, steps):
    conversation = driver.conversation
    calls = {
        "stop": conversation.stop,
        "press": lambda: conversation.push_to_talk(True),
        "release": lambda: conversation.push_to_talk(False),
        "mute": lambda: conversation.mute(True),
        "open": lambda: conversation.mute(False),
        "say": lambda: conversation.say("one two three"),
        "slow": lambda: setattr(driver.work, "frames_per_output", 12),
        "fast": lambda: setattr(driver.work, "frames_per_output", 0),
    }
    for step in steps:
        if isinstance(step, str):
            calls[step]()
        else:
            driver.run(step[1], step[0])
    conversation.push_to_talk(False)
    return driver.run(500)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=actions, mode=st.sampled_from(["full", "half", "ptt"]))
def test_whatever_happens_history_is_what_was_played(steps, mode):
    options = Options(mode=mode, memory_tokens=100_000)
    driver = perform(Driver(FakeResponder(), options=options), steps)
    remembered = [text for role, text in driver.texts() if role == "assistant"]
    begun = [event.at // FRAME for event in driver.of(events.ReplyStarted)]
    ended = [e.at // FRAME for e in driver.events if type(e).__name__ in ENDS]
    assert len(begun) == len(ended) == len(remembered)
    played = np.zeros(len(driver.out), bool)
    for first, last, text in zip(begun, ended, remembered, strict=True):
        sound = np.concatenate(driver.out[first : last + 1])
        played[first : last + 1] = True
        resumed = [e for e in driver.of(events.Resumed) if first <= e.at // FRAME <= last]
        samples = np.count_nonzero(sound) - OUT * len(resumed)
        words = text.removesuffix(CUT).split()
        full = len(words) == (3 if words[:1] == ["one"] else 6)
        assert text.endswith(CUT) != full or not words
        assert WORD * (len(words) - 0.5) - 2 * OUT <= samples <= WORD * (len(words) + 0.5) + 2 * OUT
        if words and words[0].startswith("r"):  # nothing of another generation sounds in between
            sign = 1 if int(words[0][1:].split("w")[0]) % 2 else -1
            assert (sound * sign >= 0).all()
    silent = [out for out, sounds in zip(driver.out, played, strict=True) if not sounds]
    assert not np.concatenate(silent).any()
    assert driver.conversation.state == "idle"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(steps=actions)
def test_the_same_happens_again(steps):
    first, second = (perform(Driver(FakeResponder()), steps) for _ in range(2))
    assert first.events == second.events
    np.testing.assert_array_equal(first.sound, second.sound)


@given(st.lists(st.floats(width=32, allow_nan=True), max_size=50))
def test_sixteen_bits_of_sixteen_bits_are_the_same(samples):
    once = sixteen_bits(np.array(samples, np.float32))
    assert np.isfinite(once).all() and (np.abs(once) <= 1).all()
    np.testing.assert_array_equal(sixteen_bits(once), once)
