"""`antiphon serve` and `antiphon robot`: what is refused, and with which sentence."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.cli.commands import robot, serve
from antiphon.errors import UserError
from antiphon.runtime.responders.model_choices import ModelChoices
from antiphon.runtime.responders.precedence import Precedence
from antiphon.settings import Models
from antiphon.tools import Tool, tool_chooser
from antiphon.transports.mqtt.wire.formats import opus


def run(*args, **rest):
    return CliRunner().invoke(main.app, list(args), **rest)


@pytest.mark.parametrize("command", ["serve", "robot"])
@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mqtt://example.org", "not encrypted"),
        ("mqtts://example.org", "anybody may command"),
        ("example.org", "address is wrong"),
    ],
)
def test_an_unsafe_address_is_refused_before_anything_is_loaded(command, url, error):
    result = run(command, "--mqtt", url)
    assert result.exit_code == 2
    assert error in result.stderr


@pytest.mark.parametrize("command", ["serve", "robot"])
def test_the_address_can_stand_in_the_environment(command):
    result = run(command, env={"ANTIPHON_MQTT": "mqtt://example.org"})
    assert "not encrypted" in result.stderr


def test_a_robot_says_what_is_wrong_with_its_tools(tmp_path):
    file = tmp_path / "tools.py"
    file.write_text("def lamp(on: bool): ...")
    result = run("robot", "--mqtt", "mqtt://localhost", "--tools", str(file))
    assert result.exit_code == 2
    assert "has no description" in result.stderr


def test_a_robot_says_what_is_wrong_with_its_name(tmp_path):
    result = run("robot", "--mqtt", "mqtt://localhost", "--id", "my robot", "--echo", "none")
    assert result.exit_code == 2
    assert "cannot be called 'my robot'" in result.stderr


def test_a_format_that_is_not_installed_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "opuslib_next", None)
    opus.binding.cache_clear()
    result = run("robot", "--mqtt", "mqtt://localhost", "--echo", "none", "--opus")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "pip install opuslib-next" in result.stderr


def test_a_file_or_devices_but_not_both(tmp_path):
    files = [str(tmp_path / "in.wav"), str(tmp_path / "out.wav")]
    result = run("robot", "--mqtt", "mqtt://localhost", "--file", *files, "--input", "mic")
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_ears_as_chosen(monkeypatch):
    monkeypatch.setattr(robot, "stop_word", lambda: None)
    silence, loud = np.zeros(441, np.float32), np.full(320, 0.5, np.float32)
    half = robot.microphone_processor("half", real=True)
    assert not half.step(loud, silence, sounding=True).any()
    assert robot.microphone_processor("none", real=True).step(loud, silence, sounding=True).all()
    assert robot.microphone_processor("cancel", real=True).canceller is not None
    assert robot.microphone_processor("cancel", real=False).canceller is None


class Session:
    robot = "R1"
    tools = {"lamp": Tool("lamp", "Turn a lamp on.")}  # noqa: RUF012


def test_a_robot_whose_tools_cannot_be_used_is_served_without(capsys):
    class FakeResponder:
        def listen(self, history):
            return history

    plain: Any = FakeResponder()
    robot: Any = Session()
    own, offer = serve.offered(Models(offer="none"))
    choices = ModelChoices(own, plain, offer, lambda choice, base: plain)
    assert serve.Responders(choices).of(robot).listen(()).stream == ()
    assert "cannot use its tools" in capsys.readouterr().err


def test_the_tools_of_a_robot_are_chosen_with_the_language_model_that_answers(monkeypatch):
    class Chooser:
        asked: Any = None

        def announce(self, tools):
            return tools

        def decide(self, text, announced):
            return None

        def judged_by(self, llm):
            self.asked = llm
            return self

    class FakeResponder:
        agent = SimpleNamespace(s2t=SimpleNamespace(llm=SimpleNamespace(name="a model")))

        def listen(self, history):
            return history

    plain: Any = FakeResponder()
    robot: Any = Session()
    robot.execute = print
    chooser = Chooser()
    monkeypatch.setattr(tool_chooser, "from_pretrained", lambda name: chooser)
    own, offer = serve.offered(Models(offer="none"))
    choices = ModelChoices(own, plain, offer, lambda choice, base: plain)
    serve.Responders(choices).of(robot).listen(())
    assert chooser.asked is plain.agent.s2t.llm


def test_a_voice_of_another_rate_cannot_be_chosen_meanwhile():
    def responder(rate):
        made: Any = SimpleNamespace(agent=SimpleNamespace(voice=SimpleNamespace(sample_rate=rate)))
        return made

    own, same = responder(22_050), responder(22_050)
    assert serve.of_one_rate(same, own) is same
    with pytest.raises(UserError, match="24000 samples a second and the server's own 22050"):
        serve.of_one_rate(responder(24_000), own)


def test_a_conversation_has_threads_of_its_own():
    class FakeResponder:
        def listen(self, history):
            raise UserError("nothing to hear with")

    deaf: Any = FakeResponder()
    made = serve.conversation(deaf, None, Precedence())
    assert made.step(np.zeros(320, np.float32)).shape == (441,)
    made.close()
