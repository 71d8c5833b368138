"""A client at the other end of a network: any chunks in, a paced reply out, an exact account."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_conversation import WORD, FakeAnalyzer, FakeResponder
from hypothesis import given
from hypothesis import strategies as st

from antiphon.runtime import events
from antiphon.runtime.network.driver import Driver
from antiphon.runtime.network.incoming import Incoming
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation

FRAME = 320
RATE = 24_000


class Clock:
    def __init__(self):
        self.time = 100.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds

    def wait(self, signal, seconds):
        return True


class Client:
    """Plays what it is sent as soon as it arrives."""

    def __init__(self, clock):
        self.clock, self.events, self.interruptions = clock, [], []
        self.sounds: dict = {}
        self.sent_at = []

    def on_event(self, event):
        self.events.append(event)

    def on_sound(self, reply, pcm):
        self.sounds.setdefault(reply.generation, []).append(pcm)
        self.sent_at.append((self.clock.now(), len(pcm)))

    def on_interrupted(self, reply, reason):
        self.interruptions.append((reply, reason))

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def sound(self, generation=None):
        key = generation if generation is not None else max(self.sounds)
        return np.concatenate(self.sounds[key])


class Stage:
    def __init__(self, words=6, **choices):
        self.clock = Clock()
        self.client = Client(self.clock)
        analyzer: Any = FakeAnalyzer()
        self.talk = Conversation(FakeResponder(words), work=InlineWorker(), analyzer=analyzer)
        self.driver = Driver(self.talk, self.client, rate=RATE, clock=self.clock, **choices)

    def run(self, seconds, level=None, chunk=0.02, rate=16_000):
        """Time passes; the client sends sound of a level in chunks, or nothing."""
        left, next_chunk = round(seconds / 0.02), 0.0
        for _ in range(left):
            self.clock.time += 0.02
            next_chunk += 0.02
            if level is not None and next_chunk >= chunk - 1e-9:
                next_chunk -= chunk
                self.driver.feed(np.full(round(chunk * rate), level, np.float32), rate)
            self.driver.tick()
        return self

    def ask(self, **how):
        return self.run(0.4, 0.5, **how).run(0.5, 0.0, **how)


@pytest.mark.parametrize(("chunk", "rate"), [(0.02, 16_000), (0.1, 24_000), (0.06, 8_000)])
def test_a_question_in_any_chunks_is_answered_at_the_rate_asked_for(chunk, rate):
    stage = Stage().ask(chunk=chunk, rate=rate).run(2.0, 0.0, chunk=chunk, rate=rate)
    assert stage.talk.history[-1].text == "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5"
    assert len(stage.client.sound()) == pytest.approx(6 * WORD * RATE / 22_050, abs=RATE // 50)
    assert stage.client.of(events.ReplyFinished)


def test_where_nothing_is_sent_silence_ends_the_turn():
    stage = Stage().run(0.4, 0.5).run(3.0)
    assert stage.client.of(events.ReplyFinished)


def test_half_a_frame_at_the_end_stops_nothing():
    stage = Stage()
    sound = np.concatenate([np.full(16_000, 0.5), np.zeros(16_100)]).astype(np.float32)
    stage.driver.feed(sound, 16_000)
    stage.run(3.0)
    assert stage.client.of(events.ReplyFinished)


def test_sound_that_arrives_at_once_is_heard_at_once():
    stage = Stage()
    sound = np.concatenate([np.full(16_000, 0.5), np.zeros(16_000)]).astype(np.float32)
    stage.driver.feed(sound, 16_000)
    stage.run(0.2)
    assert stage.client.of(events.Transcript)[0].text.startswith("heard")


def test_a_reply_leaves_at_the_speed_of_playing():
    stage = Stage(words=20).ask().run(5.0, 0.0)
    sent, begin = 0, stage.client.sent_at[0][0]
    for at, count in stage.client.sent_at:
        sent += count
        assert sent / RATE - (at - begin) < 0.1 + 0.02 + 0.05
    gaps = [
        b[0] - a[0] for a, b in zip(stage.client.sent_at, stage.client.sent_at[1:], strict=False)
    ]
    assert max(gaps) < 0.1


def test_an_interrupted_client_that_says_nothing_has_heard_what_time_tells():
    stage = Stage(words=20).ask().run(1.0, 0.0)
    stage.run(1.2, 0.5)
    ((reply, reason),) = stage.client.interruptions
    (interrupted,) = stage.client.of(events.Interrupted)
    assert (reason, interrupted.reason) == ("speech", "speech")
    assert reply.heard_text(reply.samples).startswith(interrupted.heard_text)
    assert stage.talk.history[-1].text == interrupted.heard_text + "—"


@given(st.integers(0, 3000))
def test_an_interrupted_client_that_says_how_far_it_came_is_believed_to_the_word(ms):
    stage = Stage(words=20).ask().run(1.0, 0.0)
    stage.run(0.1)
    stage.driver.stop()
    reply = stage.client.interruptions[0][0]
    samples = min(ms * RATE // 1000, reply.samples)
    expected = reply.heard_text(samples)
    stage.driver.truncate(reply, samples)
    stage.run(0.1)
    (interrupted,) = stage.client.of(events.Interrupted)
    words = sum((i + 0.5) * WORD / 22_050 < samples / RATE for i in range(20))
    assert interrupted.heard_text == expected
    assert abs(len(expected.split()) - words) <= 1
    assert stage.talk.history[-1].text.removesuffix("—") == expected


def test_what_was_settled_can_still_be_told_apart():
    stage = Stage().ask().run(3.0, 0.0)
    reply = stage.driver.reply
    stage.driver.truncate(reply, RATE * 2 // 5)
    assert stage.talk.history[-1].text == "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5"
    assert reply.remembered(RATE * 2 // 5) == "r1w0 r1w1—"
    assert reply.remembered(reply.samples) == "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5"


def test_words_know_where_they_sound():
    stage = Stage().ask().run(3.0, 0.0)
    words = stage.driver.reply.words()
    assert [word.text for word, _, _ in words] == [f"r1w{i}" for i in range(6)]
    assert [start for _, start, _ in words] == [200 * i for i in range(6)]


def test_a_pause_that_turns_out_to_be_none_is_part_of_what_was_sent():
    stage = Stage(words=10).ask().run(0.6, 0.0)
    stage.run(0.16, 0.5).run(3.5, 0.0)
    assert not stage.client.interruptions
    reply = stage.driver.reply
    assert reply.heard_text(reply.samples) == stage.talk.history[-1].text
    assert reply.duration_ms > 10 * 200 + 100


def test_actions_wait_for_the_sound_before_them():
    stage, seen = Stage(), []
    stage.driver.feed(np.full(16_000, 0.5, np.float32), 16_000)
    stage.driver.then(lambda: seen.append(stage.talk.at))
    stage.run(0.5)
    assert seen == [16_000]


def test_hostile_amounts_are_refused_and_forgotten():
    stage = Stage(max_waiting=2.0)
    assert stage.driver.feed(np.zeros(10_000, np.float32), 8_000)
    assert not stage.driver.feed(np.zeros(100_000, np.float32), 16_000)
    while stage.driver.then(lambda: None) and not stage.driver.waiting:
        break
    stage.driver.clear()
    assert stage.driver.waiting == 0
    stage.driver.feed(np.full(1000, np.nan, np.float32), 24_000)
    stage.run(1.0)
    stage.driver.close()
    assert not stage.driver.feed(np.zeros(10, np.float32), 16_000)
    assert not stage.driver.active


def test_an_idle_conversation_needs_no_ticks():
    stage = Stage().ask().run(4.0, 0.0).run(1.2)
    assert stage.talk.state == "idle"
    assert not stage.driver.active


@given(st.lists(st.integers(1, 3000), max_size=20), st.sampled_from([8_000, 16_000, 44_100]))
def test_no_sample_is_lost_on_the_way_in(lengths, rate):
    incoming, frames = Incoming(), []
    for length in lengths:
        incoming.feed(np.full(length, 0.25, np.float32), rate)
    incoming.flush()
    while (taken := incoming.take()) is not None:
        frames.append(taken)
    assert incoming.waiting == 0
    assert abs(FRAME * len(frames) - sum(lengths) * 16_000 / rate) <= FRAME + 40  # 2 ms
    assert all(frame.shape == (FRAME,) for frame in frames)


def nothing() -> None:
    pass


def test_the_last_part_of_a_turn_is_heard_before_the_turn_ends():
    incoming = Incoming()
    incoming.feed(np.ones(500, np.float32), 16_000)
    incoming.then(nothing)
    first, second, action = (incoming.take() for _ in range(3))
    assert isinstance(first, np.ndarray)
    assert isinstance(second, np.ndarray)
    assert first.all()
    assert (second > 0).sum() == 180
    assert action is nothing
