"""Prosody: pitch, ends and pauses of sounds whose course is known."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.evaluation.judges import RATE
from antiphon.evaluation.measures.speaking import prosody


def tone(*hertz):
    """Half a second of a buzz for each pitch, silence for None."""
    at = np.repeat([each or 0 for each in hertz], RATE // 2)
    phase = 2 * np.pi * np.cumsum(at) / RATE
    return sum(np.sin(k * phase) / k for k in range(1, 8)).astype(np.float32) * 0.2


def test_there_are_texts_of_every_kind():
    kinds = {line.kind for line in prosody.lines(None, 0)}
    assert kinds == {"question", "statement", "commas", "long"}
    assert len(prosody.lines(2, 0)) == 2 * len(kinds)


def test_an_octave_is_twelve_semitones():
    assert prosody.spread(prosody.semitones(tone(100, 200))) == pytest.approx(12, abs=0.5)
    assert prosody.spread(prosody.semitones(tone(120, 120))) < 0.5


def test_what_ends_higher_rises():
    assert prosody.rise(prosody.semitones(tone(100, 100, 100, 200))) == pytest.approx(12, abs=0.5)
    assert prosody.rise(prosody.semitones(tone(200, 200, 200, 100))) == pytest.approx(-12, abs=0.5)


def test_silence_is_a_pause_only_between_sounds():
    assert prosody.pauses(tone(None, 100, None, None, 100, None)) == [pytest.approx(1, abs=0.03)]
    assert prosody.pauses(np.zeros(0, np.float32)) == []


def test_a_pause_is_counted_by_the_comma():
    texts = [prosody.Line("commas", "One, two."), prosody.Line("commas", "A, b, c.")]
    result = prosody.evaluate({"voice": lambda text: tone(100, None, 100)}, texts)
    assert result["voice"]["pauses_per_comma"] == pytest.approx(2 / 3, abs=0.001)
    assert result["voice"]["pause_seconds"] == pytest.approx(0.5, abs=0.03)


def test_nothing_said_is_nothing_measured():
    texts = prosody.lines(1, 0)
    result = prosody.evaluate({"voice": lambda text: np.zeros(0, np.float32)}, texts)
    assert result["voice"]["f0_range"] == 0 and result["voice"]["question_rise"] == 0
