"""Conversations that compute at once: the one whose sound is due first goes first."""

from __future__ import annotations

import threading
import time
from functools import partial

import numpy as np
import pytest

from antiphon.messages import Speech
from antiphon.runtime.responders.precedence import LATE, LEASE, Claim, Precedence
from antiphon.runtime.responders.worker import ThreadWorker, Understood
from antiphon_codecs.interruption import checkpoint

STEPS = 20


def compute():
    """A step of a model."""
    until = time.thread_time() + 0.005
    while time.thread_time() < until:
        pass


class Steps:
    """Jobs that compute step by step, and the order in which they did."""

    def __init__(self):
        self.done = []

    def job(self, name, steps=STEPS, sound=0.0):
        def work(cancelled):
            if sound:
                yield Speech(np.zeros(round(sound * 16_000), np.float32), 16_000, 0, name)
            for _ in range(steps):
                checkpoint()
                compute()
                self.done.append(name)
            yield Understood(name)

        return work


def until(met, seconds=20.0):
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def steps():
    return Steps()


@pytest.fixture
def workers():
    precedence = Precedence(cores=2)
    made = [ThreadWorker(precedence=precedence) for _ in range(3)]
    yield made
    for worker in made:
        worker.close()


def reply(worker, work):
    worker.generation = 1
    worker.submit(work, 1)


def test_a_reply_that_is_ahead_lets_one_begin_that_nobody_has_heard(workers, steps):
    reply(workers[0], steps.job("ahead", 200, sound=30.0))
    until(lambda: "ahead" in steps.done)
    reply(workers[1], steps.job("new"))
    until(lambda: "new" in steps.done)
    begun = steps.done.index("new")
    until(lambda: steps.done.count("new") == STEPS)
    # One step of the other may have been under way.
    assert steps.done[begun:].index("new") == 0
    assert steps.done[begun : begun + STEPS + 1].count("ahead") <= 1
    until(lambda: steps.done.count("ahead") == 200)


def test_what_is_prepared_waits_for_what_is_to_be_heard(workers, steps):
    workers[0].submit(steps.job("prepared", 200))
    until(lambda: "prepared" in steps.done)
    reply(workers[1], steps.job("new"))
    until(lambda: "new" in steps.done)
    begun = steps.done.index("new")
    until(lambda: steps.done.count("new") == STEPS)
    assert steps.done[begun : begun + STEPS + 1].count("prepared") <= 1


def test_a_reply_brings_forward_what_its_conversation_prepares(workers, steps):
    """It cannot begin before its question was heard."""
    reply(workers[0], steps.job("late", 40, sound=0.4))
    workers[1].submit(steps.job("hearing", 10))
    reply(workers[1], steps.job("answer", 10))
    until(lambda: steps.done.count("answer") == 10)
    assert steps.done.count("late") < 40


def test_two_that_have_begun_compute_side_by_side(workers, steps):
    for worker, name in zip(workers, ("a", "b", "c"), strict=True):
        reply(worker, steps.job(name, 60, sound={"a": 5.0, "b": 6.0, "c": 60.0}[name]))
    until(lambda: min(map(steps.done.count, "ab")) >= 20)
    assert steps.done.count("c") <= 5
    until(lambda: steps.done.count("c") == 60)


def test_who_waits_for_somebody_else_is_not_waited_for(workers, steps):
    """As a job that waits for the result of a tool."""
    answered = threading.Event()

    def work(cancelled):
        while not answered.wait(0.01) and not cancelled():
            pass
        yield Understood("")

    reply(workers[0], work)
    time.sleep(2 * LEASE)
    reply(workers[1], steps.job("other", sound=1.0))
    until(lambda: steps.done.count("other") == STEPS)
    answered.set()


def test_who_waits_is_stopped_at_once(workers, steps):
    reply(workers[0], steps.job("long", 2000))
    until(lambda: "long" in steps.done)
    reply(workers[1], steps.job("unwanted", sound=30.0))
    time.sleep(0.05)
    workers[1].generation = 2
    until(lambda: workers[1].pending == 0)
    workers[0].generation = 2
    assert "unwanted" not in steps.done


def test_a_worker_closes_while_it_waits(workers, steps):
    reply(workers[0], steps.job("long", 4000))
    until(lambda: "long" in steps.done)
    workers[1].submit(steps.job("prepared"))
    begun = time.monotonic()
    workers[1].close()
    assert time.monotonic() - begun < 5  # the long one takes twenty
    workers[0].generation = 2


@pytest.mark.parametrize(("cores", "computing"), [(2, 1), (3, 2), (4, 3), (5, 4)])
def test_more_cores_let_more_compute(cores, computing):
    precedence, now = Precedence(cores), time.monotonic()
    claims = [Claim(partial(float, now + due)) for due in (-2 * LATE, 0, 1, 2)]
    for claim in claims:
        precedence.enter(claim)
    # Who may go on asks once whether it was stopped, who has to wait asks again.
    stopped = [precedence.give_way(claim, iter((False, True)).__next__) for claim in claims]
    assert stopped.count(False) == computing
