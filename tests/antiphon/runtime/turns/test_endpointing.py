from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.runtime.frames import FRAME, FRAME_MS, RATE
from antiphon.runtime.turns.endpointing import (
    BELIEVED,
    IGNORED,
    MIN_SILENCE,
    ONSET_FRAMES,
    SOFT_END_FRAMES,
    Endpointer,
    Judge,
)
from antiphon.runtime.turns.vad import PRE_ROLL, Activity

SPEECH, SILENCE = Activity(True, 0.9, -30), Activity(False, 0.1, -70)


def feed(ends: Endpointer, activity: Activity, count: int, value: float = 0.0):
    """Changes by frame, of `count` frames alike."""
    frame = np.full(FRAME, value, np.float32)
    found = [(i, ends.step(activity, frame)) for i in range(count)]
    return [(i, change) for i, change in found if change]


def log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def frames(seconds: float) -> int:
    return round(seconds * 1000 / FRAME_MS)


def test_a_click_is_no_turn():
    ends = Endpointer()
    assert not feed(ends, SPEECH, ONSET_FRAMES - 1)
    assert not feed(ends, SILENCE, 200)
    assert not ends.in_turn


def test_without_a_judge_patience_ends_the_turn():
    ends = Endpointer(patience=1.0)
    assert feed(ends, SPEECH, 20) == [(ONSET_FRAMES - 1, "start")]
    assert feed(ends, SILENCE, 100) == [(SOFT_END_FRAMES - 1, "soft"), (frames(1.0) - 1, "end")]
    assert not ends.in_turn


def test_a_sure_judge_ends_it_fast():
    ends = Endpointer(patience=2.0)
    feed(ends, SPEECH, 20)
    feed(ends, SILENCE, SOFT_END_FRAMES)
    ends.judge("sound", log_odds(BELIEVED))
    unfinished = feed(ends, SILENCE, 200)
    assert unfinished == [(pytest.approx(frames(MIN_SILENCE) - SOFT_END_FRAMES - 1, abs=1), "end")]


def test_an_unfinished_sentence_is_waited_for_as_long_as_patience_says():
    ends = Endpointer(patience=2.0)
    feed(ends, SPEECH, 20)
    feed(ends, SILENCE, SOFT_END_FRAMES)
    ends.judge("sound", log_odds(IGNORED))
    assert feed(ends, SILENCE, 200) == [(frames(2.0) - SOFT_END_FRAMES - 1, "end")]


def test_resumed_speech_takes_the_judgement_back():
    ends = Endpointer(patience=1.5)
    feed(ends, SPEECH, 20)
    feed(ends, SILENCE, SOFT_END_FRAMES)
    ends.judge("sound", 20.0)
    assert [c for _, c in feed(ends, SPEECH, 10)] == ["resumed"]
    assert feed(ends, SILENCE, 200) == [(SOFT_END_FRAMES - 1, "soft"), (frames(1.5) - 1, "end")]


def test_a_judgement_that_comes_while_speech_goes_on_counts_for_nothing():
    ends = Endpointer(patience=1.5)
    feed(ends, SPEECH, 20)
    ends.judge("sound", 20.0)
    assert feed(ends, SILENCE, 200)[-1] == (frames(1.5) - 1, "end")


def test_the_judge_hears_the_turn_with_its_first_syllable():
    ends = Endpointer()
    feed(ends, SILENCE, 100, 0.1)
    feed(ends, SPEECH, 10, 0.2)
    turn = ends.turn()
    assert len(turn) % FRAME == 0
    assert (turn == np.float32(0.1)).sum() >= PRE_ROLL * FRAME
    assert (turn == np.float32(0.2)).sum() == 10 * FRAME


def test_a_long_turn_keeps_its_last_eight_seconds():
    ends = Endpointer()
    feed(ends, SPEECH, 1000)
    assert len(ends.turn()) == 8 * RATE


def test_no_turn_no_sound():
    ends = Endpointer()
    feed(ends, SILENCE, 50)
    assert len(ends.turn()) == 0


def test_two_judges_who_agree_are_surer_than_one():
    def wanted(**opinions: float) -> float:
        ends = Endpointer()
        feed(ends, SPEECH, 20)
        feed(ends, SILENCE, SOFT_END_FRAMES)
        for judge, odds in opinions.items():
            ends.judge(cast(Judge, judge), odds)
        return ends.wanted()

    middle = log_odds((IGNORED + BELIEVED) / 2)
    assert wanted(sound=middle, stream=middle) < wanted(sound=middle)
    assert wanted(sound=middle, stream=-9.0) == wanted()
    assert wanted(sound=-9.0, stream=20.0) == pytest.approx(MIN_SILENCE)


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 5))
def test_the_surer_the_judge_the_shorter_the_wait(a, b, patience):
    waits = []
    for log_odds in sorted((a, b)):
        ends = Endpointer(patience)
        feed(ends, SPEECH, 10)
        feed(ends, SILENCE, SOFT_END_FRAMES)
        ends.judge("hearing", log_odds)
        waits.append(ends.wanted())
    assert waits[0] >= waits[1] >= min(MIN_SILENCE, patience)
    assert waits[0] <= max(MIN_SILENCE, patience) + 1e-9


@given(st.lists(st.booleans(), max_size=400))
def test_turns_begin_and_end_in_turn(speech):
    ends = Endpointer(patience=0.3)
    open_, soft = False, False
    for spoken in speech:
        change = ends.step(SPEECH if spoken else SILENCE, np.zeros(FRAME, np.float32))
        if change == "start":
            assert not open_
            open_, soft = True, False
        elif change == "soft":
            assert open_ and not soft
            soft = True
        elif change == "resumed":
            assert soft
            soft = False
        elif change == "end":
            assert soft
            open_ = soft = False
        assert ends.in_turn == open_
