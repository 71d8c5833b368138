"""The judges tell speech from noise, if their weights are at hand."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon import audio_file, weights
from antiphon.evaluation import judges

SECOND = np.zeros(judges.RATE, np.float32)


def needs(*names: str):
    missing = [name for name in names if not weights.is_ready(weights.ENTRIES[name])]
    return pytest.mark.skipif(bool(missing), reason=f"weights not cached: {', '.join(missing)}")


def test_too_little_sound_is_judged_without_a_judge():
    assert judges.recognizer("no such weights")(SECOND[:100]) == ""
    assert judges.naturalness(SECOND[:100]) == 1.0


def test_resampling():
    assert len(judges.at_judges_rate(np.zeros(22050, np.float32), 22050)) == judges.RATE
    assert judges.at_judges_rate(SECOND, judges.RATE) is SECOND
    assert len(judges.at_judges_rate(SECOND[:0], 22050)) == 0


@pytest.mark.slow
@needs("whisper-tiny.en")
def test_the_recognizer_understands_a_person():
    pytest.importorskip("faster_whisper")
    pcm = audio_file.read(weights.assets("questions") / "universe.wav")
    assert "universe" in judges.recognizer("whisper-tiny.en", beam=1)(pcm).lower()


@pytest.mark.slow
@needs("distillmos")
def test_a_person_sounds_more_natural_than_noise():
    pcm = audio_file.read(weights.assets("questions") / "universe.wav")[: 3 * judges.RATE]
    noise = np.random.default_rng(0).normal(0, 0.1, len(pcm)).astype(np.float32)
    assert judges.naturalness(pcm) > judges.naturalness(noise) + 0.5
