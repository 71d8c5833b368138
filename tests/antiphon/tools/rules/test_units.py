"""Numbers in the unit a tool wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.tools.rules.units import convert, quantities, unit_of
from antiphon.tools.spoken_numbers import numbers
from antiphon.tools.tool import Tool


def tool(name, description, **properties):
    return Tool(name, description, {"type": "object", "properties": properties})


NUMBER = {"type": "number"}


def said(text, wanted):
    return [convert(q.value, q.unit, wanted) for q in quantities(text, numbers(text))]


@pytest.mark.parametrize(
    ("text", "wanted", "values"),
    [
        ("drive fifty centimeters", "meter", [0.5]),
        ("drive forward two kilometers", "meter", [2000]),
        ("drive ten feet", "meter", [3.048]),
        ("drive two meters", "meter", [2]),
        ("drive two", "meter", [2]),
        ("drive half a meter", "meter", [0.5]),
        ("one hour and fifteen minutes", "minute", [75]),
        ("an alarm in 1 hour, 30 minutes", "minute", [90]),
        ("for 90 seconds", "minute", [1.5]),
        ("two hours", "second", [7200]),
        ("turn a quarter turn", "degree", [90]),
        ("seventy degrees fahrenheit", "degC", [21.111111]),
        ("twenty degrees", "degC", [20]),
        ("thirty percent", "percent", [30]),
        ("turn by forty five degrees and drive two meters", "meter", [None, 2]),
        ("turn by forty five degrees and drive two meters", "degree", [45, None]),
        ("five minutes", None, [None]),
    ],
)
def test_what_is_said_in_one_unit_is_understood_in_another(text, wanted, values):
    assert said(text, wanted) == pytest.approx(values)


@pytest.mark.parametrize(
    ("made", "unit"),
    [
        (tool("drive", "Drive forward.", meters=NUMBER), "meter"),
        (tool("drive", "Drive forward by some centimeters.", distance=NUMBER), "centimeter"),
        (tool("wait", "Wait.", time={"type": "number", "description": "in seconds"}), "second"),
        (tool("heat", "Heat the room.", celsius=NUMBER), "degC"),
        (
            tool("dim", "Dim the lamp.", level={"type": "integer", "description": "percent"}),
            "percent",
        ),
        (tool("count", "Count.", to=NUMBER), None),
        (tool("spin", "Turn to the left or right.", amount=NUMBER), None),
    ],
)
def test_a_tool_names_its_unit_in_its_own_words(made, unit):
    assert unit_of(made.parameters[0], made) == unit


@given(st.floats(0.001, 1e6), st.sampled_from(["meter", "foot", "kilometer", "inch"]))
def test_there_and_back_is_the_same(value, unit):
    there = convert(value, unit, "meter")
    assert there is not None
    assert convert(there, "meter", unit) == pytest.approx(value, rel=1e-3, abs=1e-2)


def test_units_that_do_not_fit_give_nothing():
    assert convert(5, "minute", "meter") is None
    assert convert(5, "meter", "percent") is None
