"""The benchmark beside a busy core compares what it should."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def bench(load_benchmark):
    return load_benchmark("busy")


@pytest.mark.parametrize("seconds", [2, 10, 60])
def test_a_question_is_made_of_different_sentences_and_about_as_long_as_wanted(bench, seconds):
    clips = [np.full(16_000 * n // 4, n, np.float32) for n in (9, 11, 10)]
    pcm = bench.question(clips, seconds)
    assert abs(len(pcm) / 16_000 - seconds) < 1.6
    said = pcm[pcm > 0]
    assert set(said) == {9, 11, 10} or seconds == 2
    assert said[0] == 9


def test_the_summary_has_the_worst_ratio_and_its_growth_with_the_question(bench):
    free = bench.Found([100, 110, 120], [800, 800], [0.2, 0.2], [0.0])
    short = bench.Found([110, 121, 132], [880, 880], [0.2, 0.2], [1.0])
    long = bench.Found([200, 220, 240], [], [0.3, 0.3], [1.0])
    asked = {2.0: np.zeros(32_000), 60.0: np.zeros(960_000)}
    found = {(2.0, False): free, (2.0, True): short, (60.0, False): free, (60.0, True): long}
    result = bench.summary(asked, found)
    assert result["first_audio_ms_ratio"] == 2.0 and result["work_ratio"] == 1.5
    assert result["v2v_ms_ratio"] == 1.1  # of the question that was not answered too early
    assert result["first_audio_ms_growth"] == round(2 / 1.1, 3)
    assert result["questions"]["2"]["busy"]["other_cores"] == 1.0
    interval = result["questions"]["2"]["first_audio_ms"]
    assert interval["low"] <= interval["ratio"] <= interval["high"]
    assert result["questions"]["60"]["v2v_ms"]["ratio"] is None
