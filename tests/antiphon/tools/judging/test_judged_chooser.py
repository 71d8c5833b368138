"""A sentence encoder and a language model that choose tools together."""

from types import SimpleNamespace

import pytest

from antiphon import weights
from antiphon.llm.text_model import TextVocabulary
from antiphon.tools import Tool
from antiphon.tools.encoder_chooser import EncoderChooser, EncoderChooserConfig
from antiphon.tools.judging.judged_chooser import JudgedChooser
from antiphon.tools.judging.weighing import Weighing
from antiphon.tools.result_phrasing import PhrasingConfig
from antiphon.tools.tool_chooser import judged
from antiphon.tools.toolbox import Toolbox

ALWAYS = Weighing(low=-1e9, high=1e9, lead=1e9, near=1e9, most=2, score=0.0, odds=1.0, bias=0.0)
"""The encoder is never sure, and does not count."""
TOOLS = [
    Tool("go_home", "Go home."),
    Tool("door_open", "Tells whether the door is open."),
    Tool("time_home", "Tells how long the way home takes."),
]


class Believes:
    """Says of one tool that it is asked for, and remembers what was said."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[tuple[str, str]] = []

    def expect(self):
        self.expected = True

    def odds(self, text, tool):
        self.asked.append((text, tool.name))
        return 1.0 if tool.name == self.name else -1.0


@pytest.mark.parametrize("name", ["time_home", "door_open"])
def test_the_tool_that_the_language_model_believes_in_is_called(reader, name):
    chooser = JudgedChooser(EncoderChooser(reader), Believes(name), ALWAYS)
    call = Toolbox(TOOLS[1:], chooser).decide("how open is it on the way home?")
    assert call is not None
    assert call.name == name


def test_nothing_is_called_that_it_believes_is_not_asked_for(reader):
    chooser = JudgedChooser(EncoderChooser(reader), Believes("dance"), ALWAYS)
    assert Toolbox(TOOLS, chooser).decide_all("go home") == []


def test_what_the_rules_forbid_is_not_asked_about(reader):
    judge = Believes("go_home")
    chooser = JudgedChooser(EncoderChooser(reader), judge, ALWAYS)
    assert Toolbox(TOOLS[:1], chooser).decide("don't go home") is None
    assert judge.asked == []


def test_two_commands_are_two_calls_if_each_is_believed(reader):
    chooser = JudgedChooser(EncoderChooser(reader), Believes("go_home"), ALWAYS)
    calls = Toolbox(TOOLS[:1], chooser).decide_all("go home and then go home")
    assert [call.name for call in calls] == ["go_home", "go_home"]


def test_a_language_model_that_was_never_measured_is_not_asked(reader):
    chooser = EncoderChooser(reader, judges={"known": ALWAYS})
    assert judged(chooser, None) is chooser
    assert judged(chooser, SimpleNamespace(name="another")) is chooser


def test_a_server_is_not_asked(reader):
    chooser = EncoderChooser(reader, judges={"http://localhost#m": ALWAYS})
    assert judged(chooser, Server("http://localhost#m")) is chooser


def test_a_chooser_of_another_kind_asks_nobody():
    chooser = SimpleNamespace()
    assert judged(chooser, SimpleNamespace(name="known")) is chooser


class Server(TextVocabulary):
    """A language model of which only the text can be had."""

    def reply(self, messages, *, max_tokens, temperature, top_p):
        raise AssertionError("it was not to be asked")


def test_the_committed_weights_are_those_of_models_in_the_catalogue():
    folder = weights.assets("tools")
    known = set(weights.named("language model"))
    judges = weights.read_config(folder, EncoderChooserConfig).judges
    phrasers = weights.read_config(folder, PhrasingConfig).phrasers
    assert judges
    assert {*judges, *phrasers} <= known
    assert all(weighing.low < weighing.high for weighing in judges.values())
