import pytest

from antiphon.text import spoken

CASES = {
    "on july 4": "on July fourth",
    "on may 5 they may 2 times": "on May fifth they may two times",
    "jan. 15, 2020": "January fifteenth, twenty twenty",
    "JAN 15 2020": "January fifteenth, twenty twenty",
    "25 sept.": "the twenty-fifth of September.",
    "Jan-15-2020": "January fifteenth, twenty twenty",
    "15-01-2020": "January fifteenth, twenty twenty",
    "2024-02-29T08:30:00Z": "February twenty-ninth, twenty twenty-four eight thirty U T C",
    "2021-03 and 2009-10": "March twenty twenty-one and two thousand nine to ten",
    "Mon-Fri, Jan-Mar": "Monday to Friday, January to March",
    "due on 3/15, 3/4 cup": "due on March fifteenth, three quarters cup",
    "Jan Novak": "Jan Novak",
    "1960s-80s": "nineteen sixties to eighties",
    "the 800s": "the eight hundreds",
    "2Q22": "the second quarter of twenty-two",
    "340 A.D.": "three forty A D.",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_dates_and_decades(written: str, heard: str) -> None:
    assert spoken(written).text == heard
