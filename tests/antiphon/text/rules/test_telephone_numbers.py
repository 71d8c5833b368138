import pytest

from antiphon.text import spoken

CASES = {
    "4111 1111 1111 1111": "four one one one, one one one one, one one one one, one one one one",
    "(555)-123-4567": "five five five, one two three, four five six seven",
    "1-800-FLOWERS": "one, eight hundred, flowers",
    "1-800-GO-2-HAUL": "one, eight hundred, go two haul",
    "+44 161 496 0000": "plus four four, one six one, four nine six, zero zero zero zero",
    "555-123-4567 x89": "five five five, one two three, four five six seven, extension eight nine",
    "call 6175551212": "call six one seven five five five one two one two",
    "Call 500 customers.": "Call five hundred customers.",
    "ext. 12": "extension one two",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_telephone_numbers_are_read_in_groups(written: str, heard: str) -> None:
    assert spoken(written).text == heard
