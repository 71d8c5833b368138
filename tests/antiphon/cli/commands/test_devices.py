"""`antiphon devices`: a table, a test and a measurement anybody can read."""

from __future__ import annotations

import builtins
import json

import pytest
from fake_portaudio import FakePortAudio, Gear
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.cli.commands import devices
from antiphon.runtime.audio import portaudio
from antiphon.runtime.audio.device_supervisor import SoundCards


def run(*args):
    return CliRunner().invoke(main.app, ["devices", *args])


@pytest.fixture
def world(monkeypatch):
    """A laptop, whose speaker is heard by its microphone, and a headset that is muted."""
    laptop, headset = Gear("Laptop", 1, 1), Gear("Headset", 1, 1, 16_000)
    laptop.tone, laptop.loop, headset.tone = 1e-3, 0.1, 0.0
    made = FakePortAudio(laptop, headset)
    monkeypatch.setattr(portaudio, "load", lambda: made)
    monkeypatch.setattr(
        devices,
        "opened",
        lambda microphone, speaker: SoundCards(
            devices.RATE, devices.lost, microphone=microphone, speaker=speaker,
            portaudio=made, clock=made, background=lambda work: None,
        ),
    )  # fmt: skip
    return made


def test_the_table_names_every_device_and_the_defaults(world):
    result = run()
    assert result.exit_code == 0
    assert "Laptop" in result.stdout and "16,000" in result.stdout
    (default,) = [line for line in result.stdout.splitlines() if "default" in line]
    assert "Laptop" in default and "microphone and speaker" in default


def test_json_is_one_object_with_everything_about_a_device(world):
    first, second = json.loads(run("--json").stdout)["devices"]
    assert first["name"] == "Laptop" and first["default_input"] and first["default_output"]
    assert second == {
        "index": 1, "name": "Headset", "api": "ALSA", "inputs": 1, "outputs": 1, "rate": 16_000,
        "default_input": False, "default_output": False,
    }  # fmt: skip


def test_a_test_says_how_both_work(world):
    told = json.loads(run("--test", "--json").stdout)
    assert told["microphone"] == told["speaker"] == "Laptop"
    assert told["microphone_rate"] == told["speaker_rate"] == 48_000
    assert told["noise_db"] == pytest.approx(-63, abs=1)
    assert told["verdict"] == "Both work: the sound was heard."
    assert "echo_delay_ms" not in told


def test_the_echo_is_measured_and_a_mode_follows(world):
    told = json.loads(run("--echo", "--json").stdout)
    assert told["echo_loss_db"] == pytest.approx(20, abs=2) and told["echo_delay_ms"] > 0
    assert told["mode"] in ("full", "half") and told["why"].endswith(".")
    for_people = run("--echo", "--test").stdout
    assert "20 dB" in for_people and "Laptop" in for_people and "mode" in for_people


def test_a_muted_microphone_is_said_to_be_muted(world):
    told = json.loads(run("--test", "--echo", "--json", "--input", "head").stdout)
    assert told["microphone"] == "Headset" and told["microphone_rate"] == 16_000
    assert "muted" in told["verdict"] and told["mode"] == "ptt" and told["noise_db"] is None
    assert "nothing at all" in run("--test", "--input", "1").stdout


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--test", "--input", "violin"], "There is no microphone 'violin'"),
        (["--input", "Laptop"], "add --test or --echo"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(world, args, sentence):
    result = run(*args)
    assert result.exit_code == 2 and sentence in result.stderr and result.stderr.count("\n") == 1


def test_no_device_is_one_sentence(world):
    world.listed.clear()
    for args in ([], ["--test"], ["--echo", "--json"]):
        result = run(*args)
        assert result.exit_code == 2 and "There is no microphone" in result.stderr
        assert not result.stdout and result.stderr.count("\n") == 1
    assert json.loads(run("--json").stdout) == {"devices": []}


def test_a_device_that_vanishes_in_a_test_is_one_sentence(world):
    world.at(1.0, lambda: setattr(world.gear[0], "plugged", False))
    result = run("--test")
    assert result.exit_code == 2 and "try again" in result.stderr
    assert not world.streams


def test_a_machine_without_portaudio_is_told_what_to_install(monkeypatch):
    real = builtins.__import__

    def broken(name, *args, **options):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", broken)
    result = run()
    assert result.exit_code == 2 and "libportaudio2" in result.stderr
