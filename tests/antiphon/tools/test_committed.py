"""The committed reader turns what people say into the right calls."""

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
