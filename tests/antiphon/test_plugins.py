"""Another distribution adds one of each kind by name, without touching a file of ours."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_recognizer import LoudSilero, sound
from typer.testing import CliRunner

from antiphon import audio_file
from antiphon.agent import Agent
from antiphon.cli import main
from antiphon.errors import UserError
from antiphon.llm.language_model import LANGUAGE_MODELS
from antiphon.recognition.recognizer import RECOGNIZERS
from antiphon.registry import Registry
from antiphon.s2t import speech_to_text
from antiphon.t2c.voice import VOICES
from antiphon.tools import Call, Tool, tool_chooser
from antiphon.tools.toolbox import Toolbox
from antiphon.transports.transport import TRANSPORTS

TOY = Path(__file__).parents[1] / "fakes" / "toy_package"


@pytest.fixture
def toy(monkeypatch):
    """The toy distribution, as if it were installed."""
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setattr(speech_to_text, "SpeechDetector", lambda: None)  # hears silence, too
    monkeypatch.delitem(sys.modules, "antiphon.cli.commands.serve", raising=False)


def run(*args):
    return CliRunner().invoke(main.app, list(map(str, args)))


def test_what_another_distribution_adds_is_listed(toy):
    assert "toy-lm" in LANGUAGE_MODELS and "toy-voice" in VOICES
    assert "toy-ears" in RECOGNIZERS and "toy" in TRANSPORTS.names()
    assert LANGUAGE_MODELS.names()[-1] == "toy-lm" and len(LANGUAGE_MODELS.names()) > 1


def test_a_toy_recognizer_transcribes_long_recordings(toy, tmp_path, monkeypatch):
    path, part = tmp_path / "talk.wav", sound((1, 0), (1, 0.5), (3, 0))
    audio_file.write(path, np.concatenate([part, part]), 16_000)
    monkeypatch.setattr("antiphon.recognition.segmentation.Silero", LoudSilero)
    command = ["transcribe", str(path), "--recognizer", "toy-ears", "--format", "srt"]
    done = CliRunner().invoke(main.app, command)
    assert done.exit_code == 0 and done.stdout.count("samples") == 2, done.output


def test_without_it_there_is_none():
    assert "toy-voice" not in VOICES
    with pytest.raises(UserError, match="There is no voice 'toy-voice': choose voice-joe"):
        VOICES.get("toy-voice")


def test_an_agent_of_toys_answers(toy):
    agent = Agent.from_pretrained(voice="toy-voice", llm="toy-lm", ears="toy-ears")
    pieces = list(agent.respond(np.zeros(1600, np.float32)))
    assert "".join(piece.text for piece in pieces).strip() == "A toy answers."
    assert agent.s2t.transcribe(np.zeros(1600, np.float32)) == "1600 samples"


def test_the_commands_take_their_names(toy, tmp_path):
    audio_file.write(tmp_path / "question.wav", np.zeros(16_000, np.float32), 16_000)
    names = ("--voice", "toy-voice", "--llm", "toy-lm", "--ears", "toy-ears")
    result = run("ask", tmp_path / "question.wav", *names, "--no-play", "--json")
    assert json.loads(result.stdout)["reply"] == "A toy answers."
    out = tmp_path / "x.wav"
    assert (
        run("say", "Hello.", "--out", out, "--voice", "toy-voice", "--llm", "toy-lm").exit_code == 0
    )
    assert out.exists()


def test_a_transport_brings_its_options_and_is_served(toy):
    assert "--toy" in run("serve", "--help").stdout
    names = ("--voice", "toy-voice", "--llm", "toy-lm", "--ears", "toy-ears")
    result = run("serve", "--toy", "Ann", *names)
    assert result.exit_code == 0, result.stderr
    assert "Ann was greeted." in result.stderr
    assert "toy" in json.loads(run("config", "--json").stdout)


def test_a_codec_is_found_by_the_kind_its_config_names(toy, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "toy"}')
    out, units = tmp_path / "out.wav", tmp_path / "u.json"
    audio_file.write(tmp_path / "in.wav", np.tile(np.array([0.5, -0.5], np.float32), 500), 8000)
    result = run("codec", "encode", tmp_path / "in.wav", units, "--codec", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert run("codec", "decode", units, out, "--codec", tmp_path).exit_code == 0
    assert len(audio_file.read(out, 8000)) == 1000


def test_a_tool_chooser_chooses(toy):
    toolbox = Toolbox([Tool("dance", "Dance.")], tool_chooser.from_pretrained("toy-chooser"))
    assert toolbox.decide("please dance") == Call("dance", {})
    assert toolbox.decide("please sing") is None


def test_a_conversation_takes_place_on_a_device(toy):
    names = ("--voice", "toy-voice", "--llm", "toy-lm", "--ears", "toy-ears")
    result = run("talk", "--sound-device", "toy-device", "--mode", "full", *names)
    assert result.exit_code == 0, result.output


def test_what_cannot_be_loaded_is_named(toy, monkeypatch):
    broken: Registry[object] = Registry("thing", "antiphon.voices", {})
    monkeypatch.delattr("antiphon_toy.ToyVoice")
    with pytest.raises(UserError, match="The thing 'toy-voice' cannot be loaded from antiphon_toy"):
        broken.get("toy-voice")
