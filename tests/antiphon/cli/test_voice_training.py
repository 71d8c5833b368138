"""`antiphon train voice`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from antiphon.cli import main, voice_training
from antiphon.training import whole_voice


def run(*args):
    return CliRunner().invoke(main.app, ["train", "voice", *map(str, args)])


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_ASSETS", str(tmp_path / "assets"))
    (tmp_path / "data" / "text").mkdir(parents=True)
    (tmp_path / "assets").mkdir()
    (tmp_path / "en_US-jane-medium.onnx").touch()
    return tmp_path


class Whole:
    """A voice of which two jobs are missing, and that comes to its end if there is time."""

    def __init__(self, recipe, effort):
        self.recipe, self.effort = recipe, effort
        self.missing = ["t2c", "lexicon"]

    def minutes(self):
        return 150.0

    def make(self, minutes):
        return minutes is None


@pytest.mark.parametrize(
    ("options", "name", "end"),
    [
        ([], "voice-jane", "--voice voice-jane"),
        (["--shift", 1.2, "--minutes", 3], "voice-jane-1.2", "Time is up: run it again"),
    ],
)
def test_it_says_what_it_takes_and_names_the_voice_after_its_speaker(
    folders, monkeypatch, options, name, end
):
    made: list[Whole] = []
    monkeypatch.setattr(whole_voice, "WholeVoice", lambda *a: made.append(Whole(*a)) or made[-1])
    data, work = folders / "data", folders / "work"
    teacher = folders / "en_US-jane-medium.onnx"
    done = run("--teacher", teacher, "--data", data, "--work", work, "--effort", 0.5, *options)
    assert done.exit_code == 0, done.output
    assert "t2c, lexicon. That takes about 2.5 hours of one core" in done.output
    assert end in done.output
    (whole,) = made
    assert (whole.recipe.out, whole.recipe.work) == (folders / "assets" / name, work / name)
    assert (whole.recipe.piper, whole.effort) == (teacher, 0.5)


def test_a_voice_that_is_not_there_is_named(folders):
    done = run("--teacher", folders / "none.onnx", "--data", folders / "data")
    assert done.exit_code == 2 and "none.onnx: give its .onnx file" in done.stderr


@pytest.mark.parametrize(
    ("minutes", "said"), [(0.2, "a minute"), (40, "40 minutes"), (150, "2.5 hours")]
)
def test_durations_are_said_as_a_person_does(minutes, said):
    assert voice_training.hours(minutes) == said
