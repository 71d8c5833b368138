from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.cli.commands import align
from antiphon.recognition.alignment.aligner import Alignment
from antiphon.recognition.transcript import Word

RATE = 16_000


class Even:
    """Gives every word a fifth of a second; believes in short words."""

    name = "even"

    def align(self, pcm, text, language=None):
        words = [
            Word(w, i * 3200, (i + 1) * 3200, 0.9 if len(w) < 8 else 0.01)
            for i, w in enumerate(text.split())
        ]
        return Alignment(tuple(words), len(pcm))


@pytest.fixture(autouse=True)
def even(monkeypatch):
    monkeypatch.setattr(align, "load", lambda aligner, recognizer: Even())


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.zeros(2 * RATE), RATE)
    return path


def run(*args):
    return CliRunner().invoke(main.app, ["align", *map(str, args)])


def test_words_as_json(talk):
    told = json.loads(run(talk, "one two").stdout)
    assert told["words"][1] == {"word": "two", "start": 0.2, "end": 0.4, "confidence": 0.9}
    assert told["fits_until"] is None and told["duration"] == 2.0


def test_a_text_in_a_file_and_subtitles_in_another(talk, tmp_path):
    text, out = tmp_path / "text.txt", tmp_path / "talk.srt"
    text.write_text("It is so. Is it?\n")
    assert run(talk, text, "--format", "srt", "--out", out).exit_code == 0
    assert "It is so." in out.read_text() and "Is it?" in out.read_text()


def test_a_text_that_was_not_said_is_told(talk):
    done = run(talk, "one two " + "unbelievable " * 9)
    assert done.exit_code == 0 and len(json.loads(done.stdout)["words"]) == 11
    assert "does not fit from word 3 on" in done.stderr


def test_a_file_that_is_no_text(talk):
    done = run(talk, talk)
    assert done.exit_code == 2 and "holds no text" in done.stderr


def test_an_unknown_aligner_is_named(talk, monkeypatch):
    monkeypatch.undo()
    done = run(talk, "hello", "--aligner", "magic")
    assert done.exit_code == 2 and "attention" in done.stderr
