"""A user's Python file becomes tools, or says what is wrong with it."""

from __future__ import annotations

import jsonschema
import pytest

from antiphon.errors import UserError
from antiphon.transports.mqtt.robot import tool_file

GOOD = '''
from __future__ import annotations
import asyncio
from typing import Literal

from os.path import join


def lamp(on: bool, room: Literal["kitchen", "hall"] = "kitchen", level: float = 1.0) -> str:
    """Turn a lamp on or off.

    More that nobody needs to read.

    Args:
        on: whether it shall shine.
        room: where the lamp is.
    """
    return f"{room} {on} {level}"


async def temperature() -> float:
    """How warm it is."""
    await asyncio.sleep(0)
    return 21.5


temperature.says = "It is {value} degrees."

def move(to: int, speed: int | None = None):
    """Go somewhere."""
    raise OSError("the wheel is stuck")


def story() -> str:
    """Tell everything."""
    return "x" * 5000


def odd() -> object:
    """Gives what JSON does not know."""
    return object()


def _hidden(): ...


def on_stop():
    print("still")
'''


@pytest.fixture
def tools(tmp_path):
    path = tmp_path / "my_robot.py"
    path.write_text(GOOD)
    found, stop = tool_file.load(path)
    assert stop is not None
    return found


def test_functions_become_tools_with_schemas(tools):
    assert sorted(tools) == ["lamp", "move", "odd", "story", "temperature"]
    said = tools["lamp"].tool.announcement()
    assert said["description"] == "Turn a lamp on or off."
    assert said["parameters"]["required"] == ["on"]
    assert said["parameters"]["properties"]["room"]["enum"] == ["kitchen", "hall"]
    assert tools["temperature"].tool.says == "It is {value} degrees."
    for each in tools.values():
        jsonschema.Draft202012Validator.check_schema(each.tool.schema)


def test_calls(tools):
    done = tools["lamp"]({"on": True, "level": 0.5})
    assert (done.ok, done.value) == (True, "kitchen True 0.5")
    assert tools["temperature"]({}).value == 21.5
    assert tools["move"]({"to": 1}).error == "the wheel is stuck"


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("lamp", {}, "lacks 'on'"),
        ("lamp", {"on": "yes"}, "must be of type boolean"),
        ("lamp", {"on": True, "room": "cellar"}, "one of kitchen, hall"),
        ("lamp", {"on": True, "volume": 3}, "unexpected keyword"),
        ("move", {"to": "a"}, "must be of type integer"),
        ("story", {}, "more than 4000 characters"),
        ("odd", {}, "not JSON serializable"),
    ],
)
def test_a_call_that_cannot_be_is_a_sentence(tools, name, arguments, error):
    done = tools[name](arguments)
    assert not done.ok
    assert error in done.error


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def lamp(on: bool): return 1", "has no description"),
        ('def lamp(on: bytes):\n    "Turn."', "nobody can say"),
        ('def lamp(on: "Missing"):\n    "Turn."', "type hint of 'lamp' is wrong"),
        ("def lamp(", "cannot be imported"),
        ("import nowhere_to_be_found", "cannot be imported"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, source, error):
    path = tmp_path / "robot.py"
    path.write_text(source)
    with pytest.raises(UserError, match=error):
        tool_file.load(path)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="no file"):
        tool_file.load(tmp_path / "none.py")
