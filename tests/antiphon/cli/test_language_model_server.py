"""The commands with a language model behind a server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_chat_server import FakeChatServer
from typer.testing import CliRunner

from antiphon import audio_file
from antiphon.agent import Agent
from antiphon.cli import main
from antiphon.cli.commands import weights
from antiphon.s2t import speech_to_text

TOY = Path(__file__).parents[2] / "fakes" / "toy_package"
PARTS = ("--voice", "toy-voice", "--ears", "toy-ears")
NOBODY = "http://127.0.0.1:9/v1#none"


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """A voice and ears that need no weights, and hear silence, too."""
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setattr(speech_to_text, "SpeechDetector", lambda: None)
    monkeypatch.delitem(sys.modules, "antiphon.cli.commands.serve", raising=False)


@pytest.fixture
def server():
    with FakeChatServer() as server:
        yield server


@pytest.fixture
def question(tmp_path):
    path = tmp_path / "question.wav"
    audio_file.write(path, np.zeros(16_000, np.float32), 16_000)
    return path


def run(*args):
    return CliRunner().invoke(main.app, list(map(str, args)))


def test_an_agent_answers_by_a_server(server):
    agent = Agent.from_pretrained(llm=server.address, voice="toy-voice", ears="toy-ears")
    pieces = list(agent.respond(np.zeros(1600, np.float32)))
    assert "".join(piece.text for piece in pieces) == "Hello there."
    assert agent.source == "text"
    assert [message["role"] for message in server.requests[-1]["messages"]] == ["system", "user"]
    assert "spoken aloud" in server.requests[-1]["messages"][0]["content"]
    assert "".join(piece.text for piece in agent.say("I can speak, too.")) == "I can speak, too."


def test_ask_and_talk_and_serve(server, question):
    result = run("ask", question, "--llm", server.address, *PARTS, "--no-play", "--json")
    assert json.loads(result.stdout)["reply"] == "Hello there.", result.stderr
    talk = ("talk", "--sound-device", "toy-device", "--mode", "full", *PARTS)
    assert run(*talk, "--llm", server.address).exit_code == 0
    assert run("serve", "--toy", "Ann", *PARTS, "--llm", server.address).exit_code == 0


@pytest.mark.parametrize("command", ["ask", "talk", "serve"])
def test_a_server_that_is_not_there_is_one_sentence(question, command):
    more = {
        "ask": (question, "--no-play"),
        "talk": ("--sound-device", "toy-device"),
        "serve": ("--toy", "Ann"),
    }
    result = run(command, *more[command], "--llm", NOBODY, *PARTS)
    assert result.exit_code == 2
    *_, last = result.stderr.splitlines()
    assert last.startswith("antiphon: The language model's server 127.0.0.1:9 cannot be reached")
    assert "Traceback" not in result.stderr


def test_a_server_that_fails_is_one_sentence(server, question):
    server.answer = lambda wire: wire.whole(b"", 500)
    result = run("ask", question, "--llm", server.address, *PARTS, "--no-play")
    assert result.exit_code == 2 and "failed (500): ask again" in result.stderr


def test_say_needs_no_server(tmp_path):
    out = tmp_path / "x.wav"
    result = run("say", "Hello.", "--out", out, "--voice", "toy-voice", "--llm", NOBODY)
    assert result.exit_code == 0 and out.exists(), result.stderr


@pytest.mark.parametrize(
    ("llm", "fetched"),
    [
        ("smollm2-135m-instruct", ["whisper-tiny.en", "smollm2-135m-instruct", "minilm-l6"]),
        (NOBODY, ["whisper-tiny.en", "smollm2-135m-instruct", "minilm-l6"]),  # voice's vocabulary
    ],
)
def test_what_has_to_be_fetched(monkeypatch, llm, fetched):
    monkeypatch.setenv("ANTIPHON_LLM", llm)
    assert weights.needed() == fetched
    monkeypatch.setenv("ANTIPHON_VOICE", "toy-voice")
    assert weights.needed() == [
        name for name in fetched if name != "smollm2-135m-instruct" or name == llm
    ]


def test_the_limits_are_settings(monkeypatch):
    monkeypatch.setenv("ANTIPHON_LLM_FIRST", "30")
    told = json.loads(run("config", "--json").stdout)["llm_server"]
    assert {name: each["value"] for name, each in told.items()} == {
        "llm_connect": 5.0,
        "llm_first": 30.0,
        "llm_idle": 10.0,
        "llm_request": "",
    }
