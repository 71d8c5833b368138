import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.tools import Call, Result, Tool
from antiphon.tools.phrases import ask, confirmation, described, reply

TOOL = Tool("measure_air", "Measure the air.")


def say(value, text="", says=None, **arguments):
    tool = Tool(TOOL.name, TOOL.description, says=says)
    return reply(tool, Call(tool.name, arguments), Result(True, value), text)


@pytest.mark.parametrize(
    ("value", "text", "said"),
    [
        (None, "go home", "Done."),
        (True, "go home", "Done."),
        (True, "is the door open", "Yes."),
        (False, "please is the door open", "No."),
        (False, "open the door", "It was not done."),
        ("it is warm", "", "It is warm."),
        (21.5, "", "21.5."),
        ({"temperature": 21.0, "unit": "celsius"}, "", "Temperature 21, unit celsius."),
        ({"open": False}, "is it open", "No, not open."),
        (["a cup", "a ball", "a dog"], "what do you see", "A cup, a ball and a dog."),
    ],
)
def test_a_result_is_told_shortly(value, text, said):
    assert say(value, text) == said


def test_a_tool_may_bring_its_own_sentence():
    assert say(21.5, says="It is {value} degrees.") == "It is 21.5 degrees."
    assert say({"t": 3}, says="{room}: {t} degrees.", room="kitchen") == "kitchen: 3 degrees."


def test_a_sentence_that_lacks_something_is_not_used():
    assert say({"t": 3}, says="It is {temperature} degrees.") == "T 3."


def test_a_failure_says_why():
    failed = reply(TOOL, Call("measure_air"), Result(False, error="the sensor is broken."))
    assert failed == "Sorry, that did not work: the sensor is broken."
    assert "did not work" in reply(TOOL, Call("measure_air"), Result(False))


def test_what_is_missing_is_asked_for():
    assert ask(Call("move", missing=("distance",))) == "Please say the distance, too."


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(JSON, st.text(max_size=30))
def test_any_result_can_be_told(value, says):
    said = say(value, says=says or None)
    assert isinstance(said, str)
    assert say(value, says=None).endswith((".", "!", "?"))


def tool(name, **properties):
    return Tool(name, f"{name}.", {"type": "object", "properties": properties})


NUMBER, TEXT, SWITCH = {"type": "number"}, {"type": "string"}, {"type": "boolean"}
ROOM = {"enum": ["hall", "living_room"]}
LOCK, LIGHT = tool("lock_door", locked=SWITCH), tool("turn_light", on=SWITCH, room=ROOM)
DRIVE, TURN = tool("drive", meters=NUMBER), tool("turn", degrees=NUMBER, way={"enum": ["left"]})
VOLUME, LIST = tool("set_volume", percent=NUMBER), tool("add_item", item=TEXT)


@pytest.mark.parametrize(
    ("used", "arguments", "text"),
    [
        (LOCK, {"locked": True}, "lock the door"),
        (LOCK, {"locked": False}, "unlock the door"),
        (LIGHT, {"on": False, "room": "living_room"}, "turn off the light in the living room"),
        (DRIVE, {"meters": 1}, "drive 1 meter"),
        (DRIVE, {"meters": 2.5}, "drive 2.5 meters"),
        (TURN, {"degrees": 45, "way": "left"}, "turn 45 degrees, left"),
        (VOLUME, {"percent": 30}, "set volume to 30 percent"),
        (LIST, {"item": "oat milk"}, "add oat milk"),
        (tool("go_home"), {}, "go home"),
    ],
)
def test_a_call_is_described_as_it_was_understood(used, arguments, text):
    assert described(used, Call(used.name, arguments)) == text


def test_several_calls_are_confirmed_in_one_question():
    assert confirmation(["turn left", "drive 2 meters"]) == (
        "Shall I turn left and then drive 2 meters?"
    )


def test_a_language_model_phrases_what_has_no_sentence_of_its_own():
    def phrase(said: str, value: object) -> str:
        return f"You said {said}, and got {value}."

    done, call = Result(True, 21), Call("measure_air")
    assert reply(TOOL, call, done, "measure", phrase) == "You said measure, and got 21."
    own = Tool("measure_air", "Measure the air.", says="It is {value} degrees.")
    assert reply(own, call, done, "measure", phrase) == "It is 21 degrees."
    assert reply(TOOL, call, done, "measure", lambda said, value: None) == "21."
