from typing import Literal

import pytest

from antiphon.errors import UserError
from antiphon.tools import Tool

LIGHT = {
    "name": "set_light",
    "description": "Switch a lamp on or off.",
    "parameters": {
        "type": "object",
        "properties": {
            "room": {"enum": ["kitchen", "hall"]},
            "on": {"type": "boolean"},
            "level": {"type": "integer", "minimum": 0, "maximum": 100},
        },
        "required": ["on"],
    },
}


def test_an_announcement_is_understood_and_can_be_made_again():
    tool = Tool.parse(LIGHT)
    room, on, level = tool.parameters
    assert (room.kind, room.options, room.required) == ("string", ("kitchen", "hall"), False)
    assert (on.kind, on.required) == ("boolean", True)
    assert level.allows(50)
    assert not level.allows(101)
    assert not level.allows(1.5)
    assert Tool.parse(tool.announcement()) == tool


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "set light"}, "called"),
        ({"name": None}, "called"),
        ({"name": "x" * 65}, "called"),
        ({"description": "  "}, "description"),
        ({"description": "x" * 501}, "shorten"),
        ({"parameters": {"type": "array"}}, "object"),
        ({"parameters": []}, "object"),
        ({"parameters": {"properties": [1]}}, "properties"),
        ({"parameters": {"properties": {}, "required": ["on"]}}, "requires"),
        ({"says": 3}, "text"),
        (
            {"parameters": {"properties": {"path": {"type": "array"}}, "required": ["path"]}},
            "nobody can say",
        ),
    ],
)
def test_a_bad_announcement_is_refused_with_a_reason(change, word):
    with pytest.raises(UserError, match=word):
        Tool.parse({**LIGHT, **change})


def test_what_is_no_object_is_refused():
    with pytest.raises(UserError, match="object"):
        Tool.parse("set_light")


def test_an_optional_parameter_nobody_can_say_is_left_alone():
    tool = Tool.parse({**LIGHT, "parameters": {"properties": {"path": {"type": "array"}}}})
    assert tool.parameters == ()


def drive(distance: float, direction: Literal["left", "right"] = "left", fast: bool = False) -> str:
    """Drive somewhere
    and stop.

    Args:
        distance: how far in metres.
        direction: where to.
        fast: without care.
    """
    return f"{distance} {direction} {fast}"


def test_a_function_becomes_a_tool():
    vars(drive).update(says="I went {distance} metres.", confirm=True)
    tool = Tool.from_function(drive)
    assert (tool.says, tool.confirm) == ("I went {distance} metres.", True)
    assert Tool.parse(tool.announcement()) == tool
    assert (tool.name, tool.description) == ("drive", "Drive somewhere and stop.")
    distance, direction, fast = tool.parameters
    assert (distance.kind, distance.required) == ("number", True)
    assert distance.description == "how far in metres."
    assert direction.options == ("left", "right")
    assert (fast.kind, fast.required) == ("boolean", False)


def test_optional_annotations_keep_their_type():
    def wait(seconds: int | None = None) -> None:
        """Do nothing."""

    assert Tool.from_function(wait).parameters[0].kind == "integer"


def test_a_function_without_a_docstring_is_refused():
    def silent() -> None:
        pass

    with pytest.raises(UserError, match="description"):
        Tool.from_function(silent)
