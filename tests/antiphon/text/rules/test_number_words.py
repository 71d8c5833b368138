import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.text.rules.number_words import cardinal, code, fraction, ordinal, plural, roman, year


@settings(deadline=None)  # inflect takes seconds to load
@given(st.integers(0, 10**33 - 1))
def test_cardinals_and_ordinals_agree_with_inflect(value: int) -> None:
    engine = pytest.importorskip("inflect").engine()
    words = " ".join(engine.number_to_words(value, andword="").replace(",", " ").split())
    assert cardinal(str(value)) == words
    assert ordinal(str(value)) == engine.ordinal(words)


def test_numbers_without_a_name_are_read_digit_by_digit() -> None:
    assert cardinal("9" * 34) == " ".join(["nine"] * 34)
    assert cardinal("05") == "zero five"


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("1985", "nineteen eighty-five"),
        ("1800", "eighteen hundred"),
        ("2000", "two thousand"),
        ("2010", "twenty ten"),
        ("476", "four hundred seventy-six"),
    ],
)
def test_years(digits: str, words: str) -> None:
    assert year(digits) == words


def test_codes_fractions_plurals() -> None:
    assert code("747") == "seven forty-seven"
    assert code("90210") == "nine zero two one zero"
    assert fraction("3", "2") == "three halves"
    assert fraction("1", "3") == "one third"
    assert plural("ninety") == "nineties"


@pytest.mark.parametrize(
    ("letters", "value"), [("IV", 4), ("XIV", 14), ("MCMXC", 1990), ("IIII", 0), ("VX", 0), ("", 0)]
)
def test_roman_numerals(letters: str, value: int) -> None:
    assert roman(letters) == value
