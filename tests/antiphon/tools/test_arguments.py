"""Whatever the reader believes, arguments are what the schema allows and the user said."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.tools import Parameter, Tool
from antiphon.tools.arguments import UNCLEAR, ArgumentFiller, chosen, settle, whole_words
from antiphon.tools.spoken_numbers import numbers

TOOL = Tool(
    "set_light",
    "Switch a lamp.",
    {
        "properties": {
            "room": {"enum": ["kitchen", "living room", "hall"]},
            "level": {"type": "integer", "minimum": 0, "maximum": 100},
            "on": {"type": "boolean"},
            "name": {"type": "string", "maxLength": 12},
        },
        "required": ["room", "level", "on", "name"],
    },
)


def fill(reader, text):
    return ArgumentFiller(reader).fill(text, reader.read([text]), TOOL)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "text",
    [
        "set the lamp in the hall to fifty percent",
        "150 or 70",
        "Lamp Berta, off!",
        "x",
        "make it a very long sentence without any number and without a known room at all",
    ],
)
def test_arguments_satisfy_the_schema_and_quote_the_user(reader, text, seed):
    torch.manual_seed(seed)
    for parameter in reader.blocks.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    found = {name: value for name, value in fill(reader, text).items() if value is not UNCLEAR}
    assert found.get("room", "hall") in ("kitchen", "living room", "hall")
    negative = re.search(r"\b(?:off|without)\b", text)
    assert found.get("on") is (False if negative else None)  # never guessed
    if "level" in found:
        assert 0 <= found["level"] <= 100
        assert found["level"] in [n.tidy for n in numbers(text)]
    if "name" in found:
        assert found["name"] in text
        assert 0 < len(found["name"]) <= 12


def test_a_number_out_of_bounds_is_not_taken(reader):
    assert fill(reader, "set it to 150").get("level") in (None, UNCLEAR)


ROOM = Parameter("room", "string", options=("room", "living room", "hall"))


@pytest.mark.parametrize(
    ("text", "scores", "value"),
    [
        ("in the hall", [9, 9, -9], "hall"),
        ("in the living room", [9, -9, 8], "living room"),
        ("in the hallway", [9, -2, -3], UNCLEAR),
        ("somewhere", [-1, -2, -3], None),
        ("where guests come in", [-1, -2, 3], "hall"),
    ],
)
def test_a_value_that_is_said_is_taken_before_one_that_is_likely(text, scores, value):
    assert chosen(text, ROOM, scores, numbers(text)) == value


def test_numbers_may_be_values():
    level = Parameter("level", "integer", options=(1, 2, 3))
    text = "level two please"
    assert chosen(text, level, [-1, -1, -1], numbers(text)) == 2


def test_no_word_is_used_twice():
    from antiphon.tools.arguments import Claim

    one, other = Parameter("one", "string"), Parameter("other", "string")
    claims = [
        Claim(-1.0, one, 0, 5, "anna"),
        Claim(-2.0, other, 0, 5, "anna"),
        Claim(-3.0, other, 6, 9, "bob"),
    ]
    assert settle(claims) == {"one": "anna", "other": "bob"}


@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_quotes_are_whole_words(text, one, other):
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    first, last = whole_words(text, start, end)
    quoted = text[first:last]
    assert quoted == quoted.strip()
    if quoted:
        assert quoted[0].isalnum()
        assert quoted[-1].isalnum()
