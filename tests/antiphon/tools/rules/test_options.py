import pytest

from antiphon.tools.rules.options import names_another, said
from antiphon.tools.spoken_numbers import numbers
from antiphon.tools.tool import Parameter


def parameter(name, *options):
    return Parameter(name, "string", options=options)


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        ("make it dark red", ("red", "dark red"), "dark red"),
        ("two drills please", ("saw", "drill"), "drill"),
        ("in the bedroom", ("bed room", "hall"), "bed room"),
        ("turn clockwise", ("left", "right"), "right"),
        ("unlock it", ("locked", "unlocked"), "unlocked"),
        ("switch the lamp off", ("on", "off"), "off"),
        ("the bathroom", ("bath", "hall"), None),
        ("make it purple", ("red", "blue"), None),
    ],
)
def test_the_value_that_was_said(text, options, value):
    found = said(text, parameter("value", *options), numbers(text))
    assert [options[i] for i in found] == ([value] if value else [])


def test_a_number_may_be_a_value():
    speed = Parameter("speed", "integer", options=(1, 2, 3))
    assert said("at speed two", speed, numbers("at speed two")) == [1]


@pytest.mark.parametrize(
    ("text", "another"),
    [
        ("the light in the garage", True),
        ("select the opera channel", True),
        ("the light in the kitchen", False),
        ("select a channel", False),
        ("select the jazz channel", False),
    ],
)
def test_what_is_named_in_the_place_of_a_value(text, another):
    room = parameter("channel", "kitchen", "jazz")
    assert names_another(text, room) is another
