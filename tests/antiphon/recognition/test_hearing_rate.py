"""Hearing coarser under load, and finer again once it has been calm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.recognition import hearing_rate
from antiphon.recognition.hearing_rate import CALM, Load, RateFollower, RateState, stepped

RATES = (1, 2, 4, 8, 16)
BUSY, CALM_LOAD, BETWEEN = Load(5, 2.0), Load(0, 0.3), Load(2, 1.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def automatic():
    yield
    hearing_rate.use("auto")


def run(loads, every=1.0):
    """How many rates coarser it hears after each load."""
    state, steps = RateState(), []
    for number, load in enumerate(loads):
        state = stepped(state, load, number * every, len(RATES))
        steps.append(state.steps)
    return steps


def test_it_gets_coarser_step_by_step_and_stops_at_the_coarsest():
    assert run([BUSY] * 6) == [1, 2, 3, 4, 4, 4]


def test_it_gets_finer_only_after_a_long_calm():
    calm = int(CALM)
    steps = run([BUSY] * 2 + [CALM_LOAD] * (2 * calm + 3))
    assert steps[1] == 2 and steps[2 + calm - 1] == 2 and steps[2 + calm] == 1
    assert steps[-1] == 0


def test_what_is_neither_heavy_nor_light_changes_nothing_and_is_no_calm():
    assert set(run([BUSY] + [BETWEEN] * 50)) == {1}
    broken = run([BUSY] + ([CALM_LOAD] * 5 + [BETWEEN]) * 8)
    assert set(broken) == {1}


def test_a_single_slow_answer_is_felt_before_the_next_step():
    assert run([BUSY] * 3, every=0.1) == [1, 1, 1]


@given(
    loads=st.lists(st.builds(Load, st.integers(0, 12), st.floats(0, 9)), max_size=80),
    every=st.floats(0.05, 5),
    rates=st.integers(1, 6),
)
def test_it_gets_coarser_by_one_rate_at_a_time_and_stays_among_them(loads, every, rates):
    state = RateState()
    for number, load in enumerate(loads):
        before, state = state, stepped(state, load, number * every, rates)
        assert 0 <= state.steps < rates
        assert state.steps <= before.steps + 1
        assert state.steps <= before.steps or load.heavy
        assert state.steps >= before.steps or load.light


def test_questions_that_wait_and_answers_that_come_late_are_load():
    clock = Clock()
    follower = RateFollower(clock)
    assert follower.rate(RATES) == 1
    asked = [follower.asked() for _ in range(4)]
    assert follower.rate(RATES) == 2
    clock.now = 0.6
    assert follower.load() == Load(4, 0.6) and follower.rate(RATES) == 4
    for number in asked:
        follower.began(number)
    clock.now = 0.7
    assert follower.load() == Load(0, 0.6)
    clock.now = 0.9
    late = follower.asked()
    clock.now = 3.0
    assert follower.load().heavy and follower.rate(RATES) == 8
    follower.began(late, heard=False)
    follower.began(late)
    assert follower.load() == Load(0, 0.6)
    clock.now = 14.0
    assert follower.rate(RATES) == 4 and follower.load() == Load()
    clock.now = 60.0  # nobody asked for long: all at once
    assert follower.rate(RATES) == 1


def test_recognizers_of_fewer_rates_share_the_load():
    follower = RateFollower(Clock())
    for _ in range(9):
        follower.asked()
    assert follower.rate((4, 8)) == 8 and follower.rate((4,)) == 4


def test_a_fixed_rate_follows_nothing():
    hearing_rate.use("8")
    assert (hearing_rate.fixed(), hearing_rate.chosen(RATES)) == (8, 8)
    hearing_rate.use("auto")
    assert hearing_rate.fixed() is None
    for wrong in ("fast", "0", "-4", "4.5", ""):
        with pytest.raises(UserError, match="give auto"):
            hearing_rate.use(wrong)


def test_a_rate_is_refused_with_those_there_are():
    hearing_rate.require(4, RATES, "mome")
    hearing_rate.require(None, (), "whisper")
    with pytest.raises(UserError, match=r"Nobody trained mome at rate 3: choose 1, 2, 4, 8, 16\."):
        hearing_rate.require(3, RATES, "mome")
    with pytest.raises(UserError, match="whisper hears at one rate only"):
        hearing_rate.require(4, (), "whisper")
