"""`antiphon codec`: units to sound and back, and plain words for what is neither."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from transformers import EncodecConfig, EncodecModel
from typer.testing import CliRunner

from antiphon import audio_file
from antiphon.cli import main
from antiphon.cli.commands import codec


def run(*args):
    return CliRunner().invoke(main.app, ["codec", *map(str, args)])


@pytest.fixture
def small(tiny_agent, monkeypatch):
    monkeypatch.setattr(codec, "load", lambda voice, source: tiny_agent.voice.codec)
    return tiny_agent.voice.codec


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "in.wav"
    audio_file.write(path, np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32), 16_000)
    return path


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_units_come_back_and_sound(small, tmp_path, kind):
    units = np.arange(40) % small.n_units
    codec.write_units(tmp_path / f"u.{kind}", units, small)
    np.testing.assert_array_equal(codec.read_units(tmp_path / f"u.{kind}"), units)

    told = json.loads(run("decode", tmp_path / f"u.{kind}", tmp_path / "out.wav", "--json").stdout)

    assert told["units"] == 40
    assert soundfile.info(tmp_path / "out.wav").frames == 40 * small.samples_per_unit


def test_a_bare_list_will_do(small, tmp_path):
    (tmp_path / "u.json").write_text("[1, 2, 3]")
    assert run("decode", tmp_path / "u.json", tmp_path / "out.wav").exit_code == 0


def test_encode_writes_what_the_codec_hears(small, tmp_path, sound, monkeypatch):
    monkeypatch.setattr(type(small), "encode", lambda self, pcm: np.arange(5))
    monkeypatch.setattr(small, "student", object())
    result = run("encode", sound, tmp_path / "u.json")
    assert result.exit_code == 0
    assert json.loads((tmp_path / "u.json").read_text())["units"] == [0, 1, 2, 3, 4]


def test_a_codec_that_cannot_encode_says_so(small, tmp_path, sound, monkeypatch):
    monkeypatch.setattr(small, "student", None)
    result = run("encode", sound, tmp_path / "u.json")
    assert result.exit_code == 2 and "only decode" in result.stderr


@pytest.mark.parametrize(
    "held",
    ["", "{", "[]", "[1.5]", '["a"]', "[[1], [2]]", "[[1], [2, 3]]", "{}", "null", "7", "[99]",
     "[-1]", "[1e99]", "[123456789012345678901234567890]"],
)  # fmt: skip
def test_what_holds_no_units(small, tmp_path, held):
    (tmp_path / "u.json").write_text(held)
    out = tmp_path / "out.wav"
    out.write_bytes(b"kept")
    result = run("decode", tmp_path / "u.json", out)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert out.read_bytes() == b"kept"


def test_a_broken_archive(small, tmp_path):
    (tmp_path / "u.npz").write_bytes(b"PK\x03\x04 and no more")
    assert run("decode", tmp_path / "u.npz", tmp_path / "out.wav").exit_code == 2
    assert run("decode", tmp_path / "missing.npz", tmp_path / "out.wav").exit_code == 2


@pytest.mark.parametrize("name", ["u.txt", "nowhere/u.json", "."])
def test_where_units_cannot_be_written(tmp_path, sound, name):
    assert run("encode", sound, tmp_path / name).exit_code == 2


def test_a_voice_without_a_codec(tmp_path):
    (tmp_path / "u.json").write_text("[1]")
    result = run("decode", tmp_path / "u.json", tmp_path / "out.wav", "--voice", tmp_path)
    assert result.exit_code == 2 and "no codec" in result.stderr


def test_another_codec_in_place_of_the_voices(tmp_path, sound):
    config = EncodecConfig(num_filters=4, hidden_size=16, codebook_size=64)
    EncodecModel(config).save_pretrained(tmp_path / "encodec")
    other = ("--codec", tmp_path / "encodec")

    result = run("encode", sound, tmp_path / "u.npz", *other, "--json")
    assert json.loads(result.stdout)["units"] == 38  # half a second at 75 frames a second
    assert codec.read_units(tmp_path / "u.npz").shape[1] == 38
    assert run("decode", tmp_path / "u.npz", tmp_path / "out.wav", *other).exit_code == 0
    assert soundfile.info(tmp_path / "out.wav").frames == 38 * 320


def test_units_of_several_codebooks_do_not_fit_a_codec_with_one(small, tmp_path):
    (tmp_path / "u.json").write_text("[[1, 2], [3, 4]]")
    result = run("decode", tmp_path / "u.json", tmp_path / "out.wav")
    assert result.exit_code == 2 and "another codec's" in result.stderr


def test_a_codec_that_is_not_there(tmp_path, sound):
    result = run("encode", sound, tmp_path / "u.json", "--codec", tmp_path / "nothing.th")
    assert result.exit_code == 2 and "nothing.th" in result.stderr
