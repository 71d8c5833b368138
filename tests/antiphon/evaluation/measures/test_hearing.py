"""Word errors of hearing."""

from __future__ import annotations

import math

import numpy as np

from antiphon import audio_file
from antiphon.evaluation.material import Clip
from antiphon.evaluation.measures import (
    hearing,
)
from antiphon.evaluation.scores import Errors


def sound(value: float) -> np.ndarray:
    """Sound that a judge of these tests can read: one number."""
    return np.full(1600, value, np.float32)


def test_ears_overall_and_by_set(tmp_path):
    for name, value in (("a", 0.25), ("b", 0.5)):
        audio_file.write(tmp_path / f"{name}.wav", sound(value), 16_000)
    clips = [Clip("x", tmp_path / "a.wav", "yes sir"), Clip("y", tmp_path / "b.wav", "a b c d e f")]
    result = hearing.evaluate(
        clips,
        {
            "ctc": lambda pcm: "yes sir" if pcm[0] < 0.3 else "a b c d e x",
            "whisper": lambda pcm: "yes" if pcm[0] < 0.3 else "a b c d e f",
        },
    )
    assert result["ctc_wer"] == 12.5 and result["whisper_wer"] == 12.5 and result["above"] == 0
    assert result["sets"]["x"] == {"ctc_wer": 0, "whisper_wer": 50, "above": -50, "clips": 1}


def test_ears_without_clips():
    assert math.isnan(hearing.compared({"x": {"ctc": [Errors()], "whisper": []}})["ctc_wer"])
