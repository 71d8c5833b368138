import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from antiphon.runtime.echo.canceller import EchoFrame
from antiphon.runtime.frames import FRAME, FRAME_MS
from antiphon.runtime.turns.barge_in import (
    MAX_GAP_FRAMES,
    NEAR_RANGE_DB,
    PAUSE_FRAMES,
    RESUME_FRAMES,
    STOP_FRAMES,
    WARY_FRAMES,
    BargeIn,
)
from antiphon.runtime.turns.vad import Activity

CLEAN = np.zeros(FRAME, np.float32)


def feed(barge_in, count, *, speech=True, own=0.0, db=-30.0, speaking=True, removed=False):
    """Changes by frame, of `count` frames alike."""
    activity = Activity(speech, 0.9 if speech else 0.0, db)
    echo = EchoFrame(CLEAN, own, db, removed)
    found = [(i, barge_in.step(activity, echo, speaking)) for i in range(count)]
    return [(i, change) for i, change in found if change]


def known():
    """A detector that has heard its listener before."""
    barge_in = BargeIn()
    feed(barge_in, STOP_FRAMES, speaking=False)
    return barge_in


def test_speech_pauses_at_once_and_stops_soon():
    assert feed(known(), STOP_FRAMES) == [(PAUSE_FRAMES - 1, "pause"), (STOP_FRAMES - 1, "stop")]
    assert PAUSE_FRAMES * FRAME_MS <= 150


def test_speech_under_the_agents_own_voice_pauses_as_soon():
    barge_in = known()
    changes = feed(barge_in, 1, own=0.5, removed=True)
    changes += feed(barge_in, PAUSE_FRAMES, own=0.99, removed=True)
    assert [change for _, change in changes] == ["pause"]


def test_a_pause_is_not_over_while_its_beginning_still_echoes():
    barge_in = known()
    feed(barge_in, PAUSE_FRAMES, own=0.5, removed=True)
    assert not feed(barge_in, 2 * MAX_GAP_FRAMES, own=0.99, removed=True)
    assert "stop" in [change for _, change in feed(barge_in, STOP_FRAMES)]


def test_who_speaks_up_twice_means_it():
    barge_in = known()
    short = STOP_FRAMES * 3 // 5
    assert feed(barge_in, short) == [(PAUSE_FRAMES - 1, "pause")]
    feed(barge_in, RESUME_FRAMES + 1, speech=False)
    assert [change for _, change in feed(barge_in, short)][:2] == ["pause", "stop"]


def test_two_hums_far_apart_are_no_interruption():
    barge_in = known()
    for _ in range(3):
        assert feed(barge_in, STOP_FRAMES * 3 // 5) == [(PAUSE_FRAMES - 1, "pause")]
        feed(barge_in, RESUME_FRAMES + WARY_FRAMES + 1, speech=False)


def test_a_backchannel_only_pauses():
    barge_in = known()
    assert feed(barge_in, 400 // FRAME_MS) == [(PAUSE_FRAMES - 1, "pause")]
    assert feed(barge_in, 50, speech=False) == [(RESUME_FRAMES, "resume")]


def test_a_click_does_nothing():
    barge_in = BargeIn()
    for _ in range(20):
        assert not feed(barge_in, 2)
        assert not feed(barge_in, MAX_GAP_FRAMES + 1, speech=False)


def test_the_agents_own_sound_never_stops_it():
    assert not feed(BargeIn(), 500, own=0.95)
    assert not feed(BargeIn(), 500, own=0.95, removed=True)


def test_a_far_television_does_nothing_once_the_listener_is_known():
    barge_in = BargeIn()
    feed(barge_in, 100, db=-25, speaking=False)
    assert not feed(barge_in, 500, db=-25 - NEAR_RANGE_DB - 5)
    assert "stop" in [change for _, change in feed(barge_in, 50, db=-27)]


def test_gaps_inside_of_words_do_not_break_a_burst():
    barge_in = BargeIn()
    changes = []
    for _ in range(10):
        changes += feed(barge_in, 5) + feed(barge_in, 3, speech=False)
    assert "stop" in [change for _, change in changes]


def test_nothing_is_interrupted_while_nobody_speaks():
    assert not feed(BargeIn(), 200, speaking=False)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.booleans()), max_size=300))
def test_pause_comes_before_stop_and_resume(frames):
    barge_in, paused = BargeIn(), False
    for speech, own, speaking in frames:
        paused &= speaking
        activity = Activity(speech, float(speech), -30)
        change = barge_in.step(activity, EchoFrame(CLEAN, own, -30), speaking)
        assert change is None or paused == (change != "pause")
        paused = change == "pause" or (paused and change is None)
