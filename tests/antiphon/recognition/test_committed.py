"""One real recording through the recognizers that can be fetched, end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from antiphon import weights
from antiphon.cli import main
from antiphon.evaluation.scores import word_errors

QUESTIONS = Path(__file__).parents[3] / "assets" / "questions"
SAID = "What do you want to remember about today?"
NEEDED = ("whisper-tiny.en", "whisper-base", "silero-vad")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(weights.is_ready(weights.ENTRIES[name]) for name in NEEDED),
        reason="weights not fetched",
    ),
]


def run(*args):
    done = CliRunner().invoke(main.app, [*map(str, args)])
    assert done.exit_code == 0, done.stderr
    return done


@pytest.mark.parametrize(
    ("name", "wrong"), [("whisper-tiny.en", 1), ("whisper-base", 1), ("drax", 3)]
)
def test_a_person_is_transcribed_with_times(name, wrong):
    path = QUESTIONS / "today.wav"
    told = json.loads(
        run("transcribe", path, "--recognizer", name, "--words", "--format", "verbose_json").stdout
    )
    assert word_errors(SAID, told["text"]).wrong <= wrong and told["language"] == "english"
    times = [each["start"] for each in told["words"]]
    assert times == sorted(times) and len(times) == len(told["text"].split())
    assert told["words"][-1]["end"] <= soundfile.info(path).duration + 0.02


def test_a_small_qwen3_asr_names_the_language_and_writes_about_what_is_said():
    path = QUESTIONS / "today.wav"
    told = json.loads(
        run("transcribe", path, "--recognizer", "qwen3-asr", "--format", "verbose_json").stdout
    )
    assert word_errors(SAID, told["text"]).wrong <= 4 and told["language"] == "english"


def test_people_are_heard_together_as_each_is_alone():
    paths = sorted(QUESTIONS.glob("*.wav"))[:2]
    form = ("--words", "--format", "verbose_json")
    together = run("transcribe", *paths, *form).stdout.splitlines()
    for path, line in zip(paths, together, strict=True):
        whole, alone = json.loads(line), json.loads(run("transcribe", path, *form).stdout)
        assert whole.pop("file") == str(path)
        sure = [[word.pop("confidence") for word in each["words"]] for each in (whole, alone)]
        assert sure[0] == pytest.approx(sure[1], abs=1e-3)  # sums are rounded otherwise
        assert whole["text"] == alone["text"] and whole["words"] == alone["words"]


def test_noise_and_silence_give_nothing(tmp_path):
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(0).normal(0, 0.05, 5 * 16_000)
    soundfile.write(path, np.concatenate([noise, np.zeros(5 * 16_000)]), 16_000)
    assert run("transcribe", path).stdout == ""


def test_a_text_that_is_said_fits_and_another_does_not():
    path = QUESTIONS / "today.wav"
    right = json.loads(run("align", path, SAID).stdout)
    wrong = json.loads(run("align", path, "Twelve angry sailors painted every lighthouse").stdout)
    assert right["fits_until"] is None and wrong["fits_until"] is not None
    assert right["confidence"] > 10 * wrong["confidence"]
