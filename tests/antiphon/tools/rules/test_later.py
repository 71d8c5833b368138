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
