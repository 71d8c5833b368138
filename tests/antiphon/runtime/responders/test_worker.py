"""Model work: in order, cancelled at once, and never the end of the conversation."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest
from fake_conversation import Driver, FakeResponder

from antiphon.messages import Speech
from antiphon.recognition import hearing_rate
from antiphon.runtime.responders.worker import Done, Failure, InlineWorker, ThreadWorker, Understood
from antiphon_codecs.interruption import due


def says(*texts):
    def work(cancelled):
        for text in texts:
            yield Understood(text)

    return work


def collect(worker, until, frames=10_000):
    """Everything the worker hands out until something is met."""
    found = []
    for frame in range(frames):
        found += worker.poll(frame)
        if until(found):
            return found
        time.sleep(0.001)
    raise AssertionError(found)


@pytest.fixture(params=[InlineWorker, ThreadWorker])
def worker(request):
    made = request.param()
    yield made
    made.close()


def test_works_run_in_order_and_only_replies_end(worker):
    worker.submit(says("heard"))
    worker.generation = 1
    worker.submit(says("a", "b"), 1)
    found = collect(worker, lambda found: (1, Done()) in found)
    assert found == [
        (None, Understood("heard")),
        (1, Understood("a")),
        (1, Understood("b")),
        (1, Done()),
    ]


def test_nothing_of_an_old_generation_is_handed_out(worker):
    worker.generation = 1
    worker.submit(says(*"abc"), 1)
    worker.generation = 2
    worker.submit(says("new"), 2)
    found = collect(worker, lambda found: (2, Done()) in found)
    assert found == [(2, Understood("new")), (2, Done())]


def test_a_work_that_raises_is_told_and_the_next_one_runs(worker):
    def broken(cancelled):
        yield Understood("half")
        raise ValueError("no\n idea")

    worker.generation = 1
    worker.submit(broken, 1)
    worker.submit(says("next"))
    found = collect(worker, lambda found: (None, Understood("next")) in found)
    assert (1, Failure("ValueError: no idea")) in found


def test_a_running_work_is_told_that_nobody_wants_it():
    worker = ThreadWorker()
    started, stopped = threading.Event(), threading.Event()

    def long(cancelled):
        started.set()
        while not cancelled():
            time.sleep(0.001)
        stopped.set()
        yield from ()

    worker.generation = 1
    worker.submit(long, 1)
    assert started.wait(5)
    worker.generation = 2
    assert stopped.wait(5)
    worker.close()


def test_a_work_can_tell_when_it_is_due():
    """A reply before what is only prepared: models that serve several put it first."""
    worker, dues = ThreadWorker(), dict[str, float]()

    def work(name):
        def noting(cancelled):
            dues[name] = due()()
            yield Understood(name)

        return noting

    worker.generation = 1
    for name, generation in (("prepared", None), ("reply", 1)):
        worker.submit(work(name), generation)
        collect(worker, lambda found, name=name: Understood(name) in [out for _, out in found])
    worker.close()
    assert dues["reply"] < dues["prepared"] < math.inf


def test_a_work_that_hangs_is_given_up_and_can_never_speak_again():
    worker = ThreadWorker(stall=50)
    begun, release = threading.Event(), threading.Event()

    def hangs(cancelled):
        begun.set()
        release.wait(10)
        yield Understood("too late")

    worker.generation = 1
    worker.submit(hangs, 1)
    assert begun.wait(5)
    found = []
    for frame in range(51):
        found += worker.poll(frame)
    assert found == [(1, Failure("no sign of life for 1 s"))]
    worker.submit(says("alive"))
    release.set()
    found = collect(worker, lambda found: (None, Understood("alive")) in found)
    assert found == [(None, Understood("alive"))]
    worker.close()


def test_a_conversation_survives_a_responder_that_hangs():
    begun, release = threading.Event(), threading.Event()

    class Stuck(FakeResponder):
        def respond(self, stream, history, **rest):
            if not self.answered:
                self.answered.append(("", ()))
                begun.set()
                release.wait(10)
            yield from super().respond(stream, history, **rest)

    driver = Driver(Stuck(), work=ThreadWorker(stall=100))
    driver.ask(20)
    assert begun.wait(5)
    driver.run(120)
    failed = [event for event in driver.events if type(event).__name__ == "Failed"]
    assert len(failed) == 1 and "no sign of life" in failed[0].error
    assert driver.conversation.state == "idle"
    release.set()
    driver.run(20, 0.5)
    for _ in range(2000):
        driver.run(1)
        time.sleep(0.001)
        if driver.texts() and driver.texts()[-1][0] == "assistant":
            break
    assert driver.texts()[-1][1].endswith("w5")
    driver.conversation.close()


def test_an_inline_worker_takes_its_time_in_frames():
    worker = InlineWorker(frames_per_output=10)
    worker.submit(says("a"))
    assert all(worker.poll(frame) == [] for frame in range(10))
    assert worker.poll(10) == [(None, Understood("a"))]
    assert np.all([worker.poll(frame) == [] for frame in range(11, 30)])


def test_a_stream_that_is_late_catches_up_in_one_go():
    responder = FakeResponder()
    from antiphon.runtime.session.speech_feed import SpeechFeed

    worker = InlineWorker()
    listener = SpeechFeed(responder, worker)
    listener.prepare(())
    listener.open(0)
    for i in range(20):
        listener.hear(np.full(320, i, np.float32))
    worker.poll(0)
    (heard,) = responder.streams[0].pcm
    np.testing.assert_array_equal(heard[::320], np.arange(20))


def test_a_turn_that_goes_on_is_not_understood_to_its_end():
    from antiphon.runtime.session.speech_feed import SpeechFeed
    from antiphon_codecs.interruption import checkpoint

    class Slow(FakeResponder):
        def listen(self, history):
            return self

        def feed(self, pcm):
            pass

        def finish(self):
            while True:
                checkpoint()

    worker = ThreadWorker()
    listener = SpeechFeed(Slow(), worker)
    listener.prepare(())
    worker.generation = 1
    worker.submit(listener.answer(0), 1)
    worker.submit(says("next"))
    worker.generation = 2
    found = collect(worker, bool)
    worker.close()
    assert found == [(None, Understood("next"))]


def test_questions_wait_until_their_answers_sound_or_are_given_up(monkeypatch):
    """A coarser rate of hearing follows from it (`hearing_rate`)."""
    follower = hearing_rate.RateFollower()
    monkeypatch.setattr("antiphon.runtime.responders.worker.FOLLOWER", follower)
    go_on, sounding, silent = threading.Event(), threading.Event(), threading.Event()

    def speak(cancelled):
        go_on.wait(5)
        yield Speech(np.zeros(16_000, np.float32), 16_000, 0, "yes")
        sounding.set()

    def wait(cancelled):
        silent.wait(5)
        yield from ()

    worker = ThreadWorker()
    worker.submit(says("heard"))
    assert follower.load().waiting == 0
    worker.generation = 1
    worker.submit(speak, 1)
    assert follower.load().waiting == 1
    go_on.set()
    assert sounding.wait(5)
    assert follower.load().waiting == 0 and follower.load().first_audio > 0
    worker.submit(wait, 1)
    worker.submit(says("never"), 1)
    assert follower.load().waiting >= 1
    silent.set()
    worker.close()
    assert follower.load().waiting == 0
