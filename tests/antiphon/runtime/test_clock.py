"""The wall clock: a pace is kept, and who is late catches up."""

from __future__ import annotations

import threading

import pytest

from antiphon.runtime.clock import Pace, WallClock
from antiphon.runtime.frames import FRAME, RATE, played


class Sleeper:
    def __init__(self):
        self.time, self.slept = 100.0, []

    def now(self):
        return self.time

    def sleep(self, seconds):
        if seconds > 0:
            self.slept.append(seconds)
            self.time += seconds

    def wait(self, event, seconds):
        raise NotImplementedError


@pytest.mark.parametrize("speed", [1.0, 8.0])
def test_frames_pass_at_the_speed_asked_for(speed):
    clock = Sleeper()
    pace = Pace(speed, clock)
    for frame in range(51):
        pace.wait(frame * FRAME)
    assert clock.time - 100 == pytest.approx(1.0 / speed)
    assert max(clock.slept) == pytest.approx(0.02 / speed)


def test_a_moment_lost_is_caught_up():
    clock = Sleeper()
    pace = Pace(1.0, clock)
    pace.wait(0)
    clock.time += 0.5
    pace.wait(RATE // 4)
    assert clock.slept == []
    pace.wait(RATE)
    assert clock.time - 100 == pytest.approx(1.0)


def test_unpaced_never_looks_at_the_clock():
    pace = Pace(None, clock=None)
    pace.wait(10**12)


def test_a_speed_of_nothing_is_refused():
    with pytest.raises(ValueError, match="never gets anywhere"):
        Pace(0)


def test_the_computers_clock_waits_for_signals_and_does_not_go_back():
    clock, signal = WallClock(), threading.Event()
    before = clock.now()
    assert not clock.wait(signal, 0.001)
    clock.sleep(-1)
    signal.set()
    assert clock.wait(signal, 60) and clock.now() >= before + 0.001


@pytest.mark.parametrize(("rate", "samples"), [(22_050, 441), (24_000, 480), (16_000, FRAME)])
def test_a_frame_has_whole_samples(rate, samples):
    assert played(rate) == samples


@pytest.mark.parametrize("rate", [11_025, 0, -50])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValueError, match="whole number"):
        played(rate)
