"""`antiphon train mome` and `antiphon eval mome`: bad input is one sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import toy_mome
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.evaluation.material import Clip
from antiphon.recognition.mome import recognizer as recognizers
from antiphon.recognition.mome.recognizer import MomeRecognizer
from antiphon.training.jobs.mome import job, seeing


def run(*args):
    return CliRunner().invoke(main.app, [*map(str, args)])


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "speech").mkdir(parents=True)
    return tmp_path / "data"


def test_a_run_is_named_by_what_it_trains(data, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(job.Recipe, "prepare", lambda self, *args: bool(made.append(self)) or True)
    monkeypatch.setattr(job.Recipe, "train", lambda self, minutes: True)
    done = run(
        "train", "mome", "--data", data, "--work", tmp_path, "--rates", "4,16", "--device", "cpu",
        "--variant", "matryoshka-lora-both", "--seed", 2, "--bottleneck", 6, "--all-rates",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (recipe,) = made
    assert recipe.config.rates == (4, 16) and recipe.config.adapter.scope == "both"
    assert recipe.config.adapter.mixture.bottleneck == 6 and recipe.schedule.all_rates
    assert recipe.name == "matryoshka-lora-both-smollm2-135m-instruct-4-16-attention-b6-seed2"
    assert recipe.out == tmp_path / "mome" / "out" / recipe.name


def test_a_model_goes_on_to_see_from_where_it_is_said(data, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        seeing.Recipe, "prepare", lambda self, *args: bool(made.append(self)) or True
    )
    monkeypatch.setattr(seeing.Recipe, "train", lambda self, minutes: True)
    done = run(
        "train", "mome-lips", "--data", data, "--work", tmp_path, "--start", tmp_path / "hears",
        "--lips", "reader", "--out", tmp_path / "sees", "--steps", 7, "--device", "cpu",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (recipe,) = made
    assert (recipe.start, recipe.out) == (tmp_path / "hears", tmp_path / "sees")
    assert recipe.lips == "reader" and recipe.schedule.steps == 7


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rates", "4,x"), "are no numbers: give such as"),
        (("--rates", "4,2"), "are not rising"),
        (("--rates", "40"), "are not between 1 and 20"),
        (("--variant", "moe"), "There is no variant 'moe': choose mome"),
        (("--variant", "lora"), "one rate at a time"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(data, options, said):
    done = run("train", "mome", "--data", data, "--device", "cpu", *options)
    assert done.exit_code == 2 and said in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def measured(monkeypatch, listener, speech, tmp_path):
    """Toy models by the names of their folders, and one recording."""
    from antiphon import audio_file

    audio_file.write(tmp_path / "a.wav", speech, 16_000)
    clips = [Clip("one", tmp_path / "a.wav", "who are you")]
    monkeypatch.setattr("antiphon.evaluation.material.clips", lambda data, limit: clips)
    config = replace(toy_mome.CONFIG, audio_width=listener.encoder.config.d_model)

    def load(name):
        whisper = "another" if name == "other" else "toy-whisper"
        model = toy_mome.awake(toy_mome.model(replace(config, whisper=whisper))).eval()
        return MomeRecognizer(model, listener.encoder, name)

    monkeypatch.setattr(recognizers, "load", load)


def test_figures_come_as_one_object_and_as_a_table(data, measured):
    done = run("eval", "mome", "--data", data, "--against", "lora", "--rates", "2,4", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["mome"]["wer"].keys() == {"2", "4"} and "average" in found["difference"]["lora"]
    drawn = data / "curves.png"
    table = run("eval", "mome", "--data", data, "--rates", "4", "--plot", drawn)
    assert drawn.stat().st_size > 1000
    assert table.exit_code == 0 and "prefill_ms" in table.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rates", "3,4"), "at rate 3: choose 1, 2, 4"),
        (("--rates", "four"), "are no numbers"),
        (("--against", "other"), "other hears with another Whisper than mome"),
        (("--lips",), "mome sees no lips"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(data, measured, options, said):
    done = run("eval", "mome", "--data", data, *options)
    assert done.exit_code == 2 and said in done.stderr and "Traceback" not in done.stderr
