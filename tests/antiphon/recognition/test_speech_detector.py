from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.recognition.recognizer import SAMPLE_RATE as RATE
from antiphon.recognition.speech_detector import PRE_ROLL, SpeechDetector
from antiphon.silero import WINDOW


class Silero:
    """Takes what is loud for speech."""

    def start(self):
        return None

    def step(self, pcm, state):
        assert pcm.shape == (WINDOW,)
        return float(np.abs(pcm).max() > 0.1), state


def loudness() -> SpeechDetector:
    silero: Any = Silero()
    return SpeechDetector(silero)


@pytest.fixture
def detector():
    return loudness()


def heard(detector, sound, cuts=()):
    state, pieces = detector.start(), []
    for piece in np.split(sound, sorted(cuts)):
        passed, state = detector.step(piece, state)
        pieces.append(passed)
    passed, state = detector.finish(state)
    return np.concatenate([*pieces, passed]), state


def sound(*parts):
    """Seconds of speech, or of silence if negative; every sample is another."""
    pcm = np.concatenate(
        [np.full(round(abs(s) * RATE), 0.5 if s > 0 else 0, np.float32) for s in parts]
    )
    return pcm + np.linspace(0, 0.01, len(pcm), dtype=np.float32)


def test_silence_is_not_heard(detector):
    passed, state = heard(detector, sound(-40.0))
    assert not len(passed) and not state.found and state.seconds == 0


def test_a_click_is_no_speech(detector):
    passed, state = heard(detector, sound(-1.0, 0.02, -1.0))
    assert not len(passed) and not state.found


def test_long_silence_in_front_is_cut_to_a_little(detector):
    whole = sound(-40.0, 1.0)
    passed, _ = heard(detector, whole)
    assert RATE <= len(passed) <= RATE + PRE_ROLL + 3 * WINDOW
    assert np.array_equal(passed, whole[-len(passed) :])


def test_speech_from_the_first_sample_is_heard_whole(detector):
    whole = sound(1.23, -0.7, 0.4)
    passed, state = heard(detector, whole)
    assert np.array_equal(passed, whole)
    assert state.seconds == pytest.approx(1.63, abs=0.1)


def test_a_long_pause_is_cut_and_both_sides_kept(detector):
    passed, _ = heard(detector, sound(1.0, -20.0, 1.0))
    assert 2 * RATE + 2 * RATE < len(passed) < 5 * RATE
    assert (passed > 0.1).sum() == 2 * RATE


@given(st.lists(st.integers(0, 90_000), max_size=6))
def test_pieces_equal_the_whole(cuts):
    whole = sound(-0.9, 0.8, -2.6, 0.3, -1.0)
    passed, state = heard(loudness(), whole, cuts)
    expected, whole_state = heard(loudness(), whole)
    assert np.array_equal(passed, expected)
    assert state.speech == whole_state.speech
