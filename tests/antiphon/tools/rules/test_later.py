import pytest

from antiphon.tools.rules.later import later
from antiphon.tools.tool import Tool

LAMP = Tool("switch_lamp", "Switch the lamp.")
HEAT = Tool("heat", "Heat to a temperature.", {"properties": {"degrees": {"type": "number"}}})
TIMER = Tool("start_timer", "Start a timer for some minutes.")


@pytest.mark.parametrize(
    "text",
    [
        "Switch it on at five.",
        "Switch it on an hour from now.",
        "The moment I leave, switch it on.",
        "In the evening, switch it on.",
        "Once dinner is ready, switch it on.",
        "Switch it on whenever someone knocks.",
        "Wait ten minutes and switch it on.",
        "Switch it on before lunch.",
    ],
)
def test_another_time_or_a_condition(text):
    assert later(text, LAMP)


@pytest.mark.parametrize(
    "text",
    [
        "Switch it on at once.",
        "Switch it on once more.",
        "When you have a moment, switch it on.",
        "If it's not too much trouble, switch it on.",
        "Switch it on if possible.",
    ],
)
def test_now(text):
    assert not later(text, LAMP)


def test_a_number_may_be_an_argument_or_a_time():
    assert not later("Heat it at nineteen.", HEAT)
    assert later("Heat it to nineteen at five.", HEAT)


def test_a_timer_takes_a_time_but_no_condition():
    assert not later("Start it in ten minutes.", TIMER)
    assert later("If it rains, start it.", TIMER)


@pytest.mark.parametrize(
    "tool",
    [
        Tool("cancel_table", "Cancels the table for the user."),
        Tool("delete_task", "Delete what is on the list."),
        Tool("undo", "Removes what was planned."),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "Cancel the table for tonight.",
        "Remove the job on Friday.",
        "Delete the one at seven pm.",
        "Please drop what is planned for tomorrow morning.",
    ],
)
def test_the_time_of_what_is_taken_back_is_its_own(text, tool):
    assert not later(text, tool)
    assert later(f"If it rains, {text.lower()}", tool)


def test_the_time_of_an_action_stays_that_of_the_action():
    for text in ("Switch it off tonight.", "Drop the lamp tomorrow morning."):
        assert later(text, LAMP)
