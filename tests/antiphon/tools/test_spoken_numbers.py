import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.text.rules.number_words import cardinal
from antiphon.tools.spoken_numbers import numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("turn twenty one degrees", 21),
        ("turn twenty-one degrees", 21),
        ("go 2.5 metres", 2.5),
        ("half a metre", 0.5),
        ("set it to a hundred and five", 105),
        ("minus three point five", -3.5),
        ("to -5 degrees", -5),
        ("1,000 steps", 1000),
        ("the third floor", 3),
        ("the 3rd floor", 3),
        ("two and a half", 2.5),
        ("a dozen eggs", 12),
        ("two million", 2_000_000),
        ("the twenty-second", 22),
    ],
)
def test_a_spoken_number_is_understood(text, value):
    [found] = numbers(text)
    assert found.tidy == value
    assert isinstance(found.tidy, int) == float(value).is_integer()


@pytest.mark.parametrize("text", ["", "go on", "once more", "well-known", "the point is", "."])
def test_other_words_are_no_numbers(text):
    assert numbers(text) == []


def test_every_number_is_found_with_its_place():
    text = "Set lamp 3 to forty five percent, please"
    assert [(n.tidy, text[n.start : n.end]) for n in numbers(text)] == [
        (3, "3"),
        (45, "forty five"),
    ]


@given(st.integers(0, 10**9))
def test_what_is_spoken_is_read_back(value):
    assert [n.tidy for n in numbers(cardinal(str(value)))] == [value]


@given(st.text(max_size=60))
def test_any_text_is_bearable(text):
    for found in numbers(text):
        assert text[found.start : found.end].strip()
