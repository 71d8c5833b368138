"""The committed reader turns what people say into the right calls."""

from typing import Literal

import pytest

from antiphon.errors import UserError
from antiphon.tools import Tool
from antiphon.tools.encoder_chooser import EncoderChooser
from antiphon.tools.toolbox import Toolbox

pytestmark = pytest.mark.slow


def tool(name, description, required=(), **properties):
    return Tool.parse(
        {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": list(required),
            },
        }
    )


TOOLS = [
    tool(
        "set_light",
        "Turn a light on or off in a room.",
        required=["state"],
        room={"enum": ["kitchen", "living room", "bedroom"], "description": "room of the light"},
        state={"enum": ["on", "off"], "description": "on or off"},
    ),
    tool("come_here", "Come to the person who is speaking."),
    tool("stop_moving", "Stop moving at once."),
    tool("read_temperature", "Measure how warm it is in the room."),
    tool(
        "turn",
        "Turn the robot to one side by an angle.",
        required=["degrees"],
        degrees={"type": "number", "description": "degrees to turn"},
        direction={"enum": ["left", "right"], "description": "side to turn to"},
    ),
    tool(
        "fetch_object",
        "Bring an object to the user.",
        required=["object"],
        object={"type": "string", "description": "what to bring"},
    ),
]


@pytest.fixture(scope="module")
def toolbox():
    try:
        return Toolbox(TOOLS, EncoderChooser.load())
    except UserError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("Turn on the kitchen light.", "set_light", {"room": "kitchen", "state": "on"}),
        ("switch the light in the bedroom off", "set_light", {"room": "bedroom", "state": "off"}),
        ("Come here, please.", "come_here", {}),
        ("How warm is it?", "read_temperature", {}),
        ("turn left by twenty one degrees", "turn", {"degrees": 21, "direction": "left"}),
        ("Bring me the red cup.", "fetch_object", {"object": "the red cup"}),
    ],
)
def test_a_command_becomes_a_call(toolbox, text, name, arguments):
    call = toolbox.decide(text)
    assert call is not None
    assert call.name == name
    said = {key: value for key, value in call.arguments.items() if key != "object"}
    assert said == {key: value for key, value in arguments.items() if key != "object"}
    if "object" in arguments:
        assert "red cup" in call.arguments["object"]
    assert call.missing == ()


@pytest.mark.parametrize(
    "text",
    [
        "Who wrote Hamlet?",
        "What is the capital of France?",
        "Tell me about the history of Rome.",
        "I had a long day at work.",
        "Thank you very much.",
        "Hello, how are you?",
        "Who invented the light bulb?",
        "How hot is the sun?",
    ],
)
def test_an_ordinary_question_is_no_call(toolbox, text):
    assert toolbox.decide(text) is None


def test_something_else_at_the_same_time_changes_nothing(toolbox):
    first = toolbox.decide("turn right by ninety degrees")
    toolbox.decide("who wrote hamlet")
    assert toolbox.decide("turn right by ninety degrees") == first


def turn_light(on: bool, room: Literal["kitchen", "hall", "bedroom", "living room"]) -> str:
    """Turn the light in a room on or off."""
    return ""


def set_temperature(degrees: float) -> str:
    """Set the heating to a temperature in degrees."""
    return ""


def start_timer(minutes: float) -> str:
    """Start a timer for some minutes."""
    return ""


def drive(meters: float) -> str:
    """Drive forward some meters."""
    return ""


def spin(degrees: float, direction: Literal["left", "right"]) -> str:
    """Turn to the left or right by some degrees."""
    return ""


def lock_door(locked: bool) -> str:
    """Lock or unlock the front door."""
    return ""


def get_temperature() -> float:
    """Measure how warm it is in the room."""
    return 0.0


@pytest.fixture(scope="module")
def household(toolbox):
    functions = (turn_light, set_temperature, start_timer, drive, spin, lock_door, get_temperature)
    return Toolbox([Tool.from_function(each) for each in functions], toolbox.chooser)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Unlock the front door.", [("lock_door", {"locked": False})]),
        ("Please lock the front door.", [("lock_door", {"locked": True})]),
        ("Could you turn off the light in the hall please?",
         [("turn_light", {"on": False, "room": "hall"})]),
        ("Drive forward fifty centimeters.", [("drive", {"meters": 0.5})]),
        ("Drive two kilometers.", [("drive", {"meters": 2000})]),
        ("Start a timer for one hour and fifteen minutes.", [("start_timer", {"minutes": 75})]),
        ("Start a timer for 90 seconds.", [("start_timer", {"minutes": 1.5})]),
        ("Turn left by forty five degrees and drive two meters.",
         [("spin", {"direction": "left", "degrees": 45}), ("drive", {"meters": 2})]),
        ("How warm is it in the room?", [("get_temperature", {})]),
        ("Is the front door locked?", []),
        ("Is the light in the kitchen on?", []),
        ("Never turn off the light in the hall.", []),
        ("Do not unlock the front door.", []),
        ("The light in the kitchen is on.", []),
        ("Turn on the light in the bedroom at nine AM.", []),
        ("If it gets dark, turn on the light in the hall.", []),
    ],
)  # fmt: skip
def test_what_was_said_is_what_is_done(household, text, calls):
    decided = household.decide_all(text)
    assert [(call.name, call.arguments) for call in decided] == calls
    assert not any(call.missing or call.problem for call in decided)


@pytest.mark.parametrize(
    "text",
    ["Turn on the light in the garage.", "Start a timer.", "Drive two meters backwards."],
)
def test_what_cannot_be_done_as_asked_is_asked_back(household, text):
    (call,) = household.decide_all(text)
    assert call.missing or call.problem


def pause(seconds: float) -> str:
    """Wait for some seconds."""
    return ""


def test_what_comes_after_waiting_is_done_only_by_a_robot_that_can_wait(household):
    text = "Wait ten seconds and then drive two meters."
    assert household.decide_all(text) == []
    patient = Toolbox([Tool.from_function(each) for each in (pause, drive)], household.chooser)
    assert [call.name for call in patient.decide_all(text)] == ["pause", "drive"]
    assert [call.name for call in patient.decide_all("Wait ten seconds.")] == ["pause"]
