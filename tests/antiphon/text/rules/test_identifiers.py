import pytest

from antiphon.text import spoken

CASES = {
    "Your code is 482913.": "Your code is four eight two nine one three.",
    "PIN 0042": "PIN zero zero four two",
    "code: AB12": "code: A B one two",
    "ZIP code 60614": "ZIP code six zero six one four",
    "a card ending in 8876": "a card ending in eight eight seven six",
    "Order #55012 is late.": "Order number five five zero one two is late.",
    "an order of 5000 pieces": "an order of five thousand pieces",
    "The code has 300 lines.": "The code has three hundred lines.",
    "12-34-56": "twelve thirty-four fifty-six",
    "Psalm 23:4": "Psalm twenty-three four",
    "1 Cor. 13:4-7": "First Corinthians thirteen four to seven",
    "401(k) and 501(c)(3)": "four oh one K and five oh one C three",
    "Form W-2": "Form W two",
    "IPv4 and 192.168.0.1": "I P V four and one ninety-two dot one sixty-eight dot zero dot one",
    "Python 3.11": "Python three point eleven",
    "Ubuntu 22.04": "Ubuntu twenty-two point zero four",
    "H₂SO₄, NaCl and Ca(OH)2": "H two S O four, N A C L and C A O H two",
    "B-17s": "B seventeens",
    "the 49ers": "the forty-niners",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_numbers_that_name_something_are_not_counts(written: str, heard: str) -> None:
    assert spoken(written).text == heard
