"""What is heard where nobody speaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from antiphon.evaluation.measures.listening import silence
from antiphon.evaluation.speechless import generated


def test_answers_misses_and_doubts_are_counted_by_kind():
    sounds: list[Any] = [("hum", "no speech"), ("hum", None), ("tone", "unclear")]
    speech: list[Any] = [("x", None), ("x", "no speech"), ("x", "unclear"), ("y", None)]
    hear: Any = lambda doubt: doubt  # noqa: E731
    result = silence.evaluate(sounds, speech, hear)
    assert (result["answered"], result["sounds"]) == (2, 3)
    assert (result["missed"], result["not_understood"], result["recordings"]) == (1, 1, 4)
    assert result["kinds"]["hum"] == {"answered": 1, "sounds": 2}
    assert result["sets"]["x"] == {"missed": 1, "not_understood": 1, "recordings": 3}


def test_nothing_of_many_is_no_more_than_a_little():
    low, high = silence.percent_interval(0, 300)
    assert low == 0 and high == pytest.approx(1.26, abs=0.01)
    assert np.isnan(silence.percent_interval(0, 0)).all()


def test_generated_sounds_are_those_of_their_seed():
    one, other = (list(generated(np.random.default_rng(3))) for _ in range(2))
    assert len(one) > 80
    for (kind, pcm), (same, again) in zip(one, other, strict=True):
        assert kind == same and np.array_equal(pcm, again)
        assert pcm.dtype == np.float32 and np.abs(pcm).max() <= 1
        assert pcm.any() or kind == "silence"
