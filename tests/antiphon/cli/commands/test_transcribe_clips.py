"""`antiphon transcribe --video`: lips are read where they are seen, and else it says why not."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest
import soundfile
import toy_clip
from fake_recognizer import LevelRecognizer, LoudSilero, sound
from typer.testing import CliRunner

from antiphon import weights
from antiphon.cli import main
from antiphon.cli.commands import transcribe
from antiphon.errors import UserError
from antiphon.recognition.lips.faces import Faces
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.segmentation import Segmenter

TALK = sound((0.5, 0), (1, 0.35), (0.5, 0))


class Seer(LevelRecognizer):
    sees = True


@pytest.fixture(autouse=True)
def recognizer(monkeypatch):
    found: Any = Seer()
    silero: Any = LoudSilero()
    made = LongAudio(found, Segmenter(found.longest, silero))
    monkeypatch.setattr(transcribe, "load", lambda name, aligner: made)
    return found


@pytest.fixture
def faces():
    pytest.importorskip("ai_edge_litert")
    try:
        return Faces(weights.path("faces"))
    except UserError as error:
        pytest.skip(str(error))


def run(*args):
    return CliRunner().invoke(main.app, ["transcribe", "--video", *map(str, args)])


def clip(path, pictures, pcm=TALK, fps=25):
    return toy_clip.steady(path, pictures, fps, pcm)


def lips_of(recognizer):
    """Those of each utterance."""
    return [options.lips for options in recognizer.asked if options is not None]


def test_lips_of_a_face_are_read(faces, recognizer, tmp_path):
    path = clip(tmp_path / "talk.mp4", toy_clip.moving(2, 30), fps=30)
    done = run(path)
    assert done.exit_code == 0 and "three" in done.stdout and not done.stderr
    (lips,) = lips_of(recognizer)
    assert lips.seen.all() and 30 < len(lips.seen) < 50  # the utterance and what is around it
    assert run(path, "--stream").stdout == done.stdout
    assert lips_of(recognizer)[-1].pictures.shape == lips.pictures.shape


def test_pictures_of_another_length_are_told(faces, tmp_path):
    moving = toy_clip.moving(2, 25)
    short, long = clip(tmp_path / "s.mp4", moving[:25]), clip(tmp_path / "l.mp4", moving * 2)
    done = run(short, long)
    assert done.exit_code == 0 and done.stdout.count("mp4:") == 2
    told = done.stderr.splitlines()
    assert "s.mp4" in told[0] and "1.0 s" in told[0] and "by sound alone" in told[0]
    assert "l.mp4" in told[1] and "4.0 s" in told[1] and "left out" in told[1]


def test_without_a_mouth_it_hears_by_sound_alone_and_says_why(faces, recognizer, tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (96, 128, 3), dtype=np.uint8) for _ in range(50)]
    face = toy_clip.face()
    clips = {
        "there is no face": clip(tmp_path / "noise.mp4", noise),
        "several faces": clip(tmp_path / "two.mp4", [np.concatenate([face, face], 1)] * 50),
        "no pictures": tmp_path / "sound.wav",
    }
    soundfile.write(clips["no pictures"], TALK, 16_000)
    out = tmp_path / "texts"
    done = run(*clips.values(), "--out", out, "--format", "verbose_json")
    assert done.exit_code == 0
    for (why, path), line in zip(clips.items(), done.stderr.splitlines(), strict=True):
        assert str(path) in line and "Heard by sound alone" in line and why in line
        told = json.loads((out / f"{path.stem}.json").read_text())
        assert "three" in told["text"] and why in told["antiphon"]["notes"][-1]
    assert lips_of(recognizer) == [None] * 3


def test_a_broken_clip_is_one_sentence_and_code_2(faces, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no clip at all")
    done = run(broken)
    assert done.exit_code == 2 and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "broken.mp4" in done.stderr


def test_a_recognizer_that_sees_nothing_is_named_at_once(monkeypatch, recognizer, tmp_path):
    silero: Any = LoudSilero()
    plain: Any = LevelRecognizer()
    made = LongAudio(plain, Segmenter(plain.longest, silero))
    monkeypatch.setattr(transcribe, "load", lambda name, aligner: made)
    done = run(tmp_path / "none.mp4")
    assert done.exit_code == 2 and "level sees no lips" in done.stderr


def test_a_missing_extra_is_named_at_once(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    done = run(tmp_path / "none.mp4")
    assert done.exit_code == 2 and "pip install 'antiphon[lips]'" in done.stderr
