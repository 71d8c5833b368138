"""`antiphon transcribe`: a batch goes on after a bad file, and nothing is lost."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import srt
from fake_recognizer import RATE, long_audio, sound
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.cli.commands import transcribe


@pytest.fixture(autouse=True)
def levels(monkeypatch):
    monkeypatch.setattr(transcribe, "load", lambda name, aligner: long_audio())


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.wav"
    soundfile.write(path, sound((1, 0), (0.6, 0.35), (3, 0), (0.5, 0.55)), RATE)
    return path


def run(*args, **more):
    return CliRunner().invoke(main.app, ["transcribe", *map(str, args)], **more)


def test_text_goes_to_standard_output_and_nothing_else(talk):
    done = run(talk)
    assert done.exit_code == 0
    assert list(dict.fromkeys(done.stdout.split())) == ["three", "five"]
    assert done.stdout.endswith("five\n")


def test_the_rate_and_channels_of_a_file_do_not_matter(tmp_path):
    path = tmp_path / "phone.flac"
    tone = 0.35 * np.sin(2 * np.pi * 300 * np.arange(4 * 8000) / 8000)
    tone[:8000] = tone[-16_000:] = 0
    soundfile.write(path, np.stack([tone, tone], 1), 8000)
    told = json.loads(run(path, "--format", "verbose_json", "--words").stdout)
    assert 9 <= len(told["words"]) <= 11 and told["duration"] == pytest.approx(4, abs=0.01)


def test_a_batch_goes_on_and_names_what_failed(talk, tmp_path):
    bad, short = tmp_path / "notes.wav", tmp_path / "click.wav"
    bad.write_text("no sound at all")
    soundfile.write(short, np.zeros(800), RATE)
    out = tmp_path / "texts"
    done = run(bad, talk, short, tmp_path / "none.mp3", "--out", out)
    assert done.exit_code == 2
    assert (out / "talk.txt").read_text().split()[0] == "three"
    assert [p.name for p in out.iterdir()] == ["talk.txt"]
    last = done.stderr.strip().splitlines()[-1]
    assert "3 of 4" in last and all(n in last for n in ("notes.wav", "click.wav", "none.mp3"))
    assert "0.05 s" in done.stderr and "Traceback" not in done.stderr


def test_subtitles_of_several_files_need_a_folder(talk):
    done = run(talk, talk, "--format", "srt")
    assert done.exit_code == 2 and "--out" in done.stderr


def test_two_recordings_of_one_name_would_overwrite_each_other(talk, tmp_path):
    done = run(talk, talk, "--out", tmp_path)
    assert done.exit_code == 2 and "talk" in done.stderr


def test_subtitles_are_timed_without_asking_for_words(talk, tmp_path):
    assert run(talk, "--format", "srt", "--out", tmp_path).exit_code == 0
    shown = list(srt.parse((tmp_path / "talk.srt").read_text()))
    assert [c.start.total_seconds() for c in shown] == pytest.approx([1.0, 4.6], abs=0.15)


def test_a_stream_prints_what_the_whole_would(talk):
    assert run(talk, "--stream").stdout.split() == run(talk).stdout.split()


def test_standard_input_is_heard(talk):
    done = run("-", "--format", "json", input=talk.read_bytes())
    assert json.loads(done.stdout)["text"].split()[0] == "three"


def test_several_as_json_are_one_object_a_line(talk, tmp_path):
    other = tmp_path / "other.wav"
    soundfile.write(other, sound((1, 0)), RATE)
    lines = run(talk, other, "--format", "json").stdout.splitlines()
    assert [json.loads(line)["file"] for line in lines] == [str(talk), str(other)]
    assert json.loads(lines[1])["text"] == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--language", "fr"], "does not know french"),
        (["--format", "docx"], "choose text, json"),
        (["--context", "name " * 10_000], "10000 words"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(talk, options, said):
    done = run(talk, *options)
    assert done.exit_code == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_a_day_of_sound_is_refused(talk, monkeypatch):
    monkeypatch.setattr("antiphon.audio_file.MAX_STREAM_SECONDS", 2)
    done = run(talk)
    assert done.exit_code == 2 and "cut it before" in done.stderr


def test_a_rate_is_for_recognizers_that_have_several(talk, monkeypatch):
    done = run(talk, "--rate", "4")
    assert done.exit_code == 2 and "level hears at one rate only" in done.stderr
    several = long_audio()
    several.recognizer.rates = (2, 4)  # type: ignore[attr-defined]
    monkeypatch.setattr(transcribe, "load", lambda name, aligner: several)
    done = run(talk, "--rate", "3")
    assert done.exit_code == 2 and "at rate 3: choose 2, 4." in done.stderr
    assert run(talk, "--rate", "4").exit_code == 0
    assert {asked.rate for asked in several.recognizer.asked} == {4}  # type: ignore[attr-defined]
