from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny_drax import tiny_drax

from antiphon import audio_file
from antiphon.evaluation.material import Clip
from antiphon.evaluation.measures.listening import recognition
from antiphon.evaluation.measures.listening.recognition import (
    Draft,
    Heard,
    drafts,
    evaluate,
    interval,
    table,
)
from antiphon.evaluation.scores import Errors


@pytest.fixture
def clips(tmp_path):
    path = tmp_path / "a.wav"
    audio_file.write(path, np.zeros(16_000, np.float32), 16_000)
    return [Clip("one", path, "the cat sat down"), Clip("two", path, "go home")]


def test_rates_are_of_all_words_and_by_collection(clips):
    found = evaluate(clips, lambda pcm: "the cat sat", lambda pcm: "go home")
    assert found["wer"] == pytest.approx(100 * (1 + 3) / 6, abs=0.01)
    assert found["sets"]["two"] == {"wer": 150.0, "wer_whisper": 0.0}
    assert found["above_whisper"] == pytest.approx(found["wer"] - found["wer_whisper"], abs=0.01)
    low, high = found["wer_interval"]
    assert low <= found["wer"] <= high and found["clips"] == 2


def heard(**wrong):
    errors = {way: Errors(count, 10) for way, count in wrong.items()}
    return Heard("one", errors, dict.fromkeys(wrong, 0.5), 2.0)


def test_work_is_a_share_of_the_sound():
    rows = [heard(wer=1, wer_whisper=0), heard(wer=3, wer_whisper=0)]
    found = table(rows)
    assert found["work"] == {"wer": 0.25, "wer_whisper": 0.25} and found["wer"] == 20
    assert interval(rows, "wer") == [10.0, 30.0]


def test_clips_too_long_for_drax_are_counted(clips):
    class Drax:
        longest = 8000

    drax: Any = Drax()
    assert recognition.evaluate_drax(clips, drax)["clips_left_out"] == 2


def test_drafts_are_worth_what_they_save():
    found = drafts([Draft(20, 4, True), Draft(10, 6, False)])
    assert found == {"tokens_a_pass": 3.0, "identical": 0.5} and drafts([]) == {}


def test_drax_is_measured_by_steps_and_candidates(listener, whisper, speech, tmp_path):
    path = tmp_path / "speech.wav"
    audio_file.write(path, speech, 16_000)
    found = recognition.evaluate_drax(
        [Clip("one", path, "hello there")], tiny_drax(listener, whisper)
    )
    for way in ("wer", "wer_0", "wer_1", "wer_16", "wer_mbr", "wer_scored", "wer_whisper"):
        assert found[way] >= 0 and len(found[f"{way}_interval"]) == 2
    assert found["wer_oracle"] <= min(found["wer_mbr"], found["wer_scored"], found["wer_one_of_8"])
    assert found["identical"] == 1.0 and found["work"]["wer_4"] > 0
