import pytest

from antiphon.text import spoken

CASES = {
    "Room 12B is upstairs.": "Room twelve B is upstairs.",
    "rooms 4A and 4B": "rooms four A and four B",
    "seat 12F, gate 14C, exit 7N": "seat twelve F, gate fourteen C, exit seven N",
    "Apt. 4b": "Apartment four B",
    "It seats 150 people.": "It seats one hundred fifty people.",
    "708 N 1st St": "seven oh eight North first Street",
    "2 San Tomas hwy": "two San Tomas Highway",
    "123-01 Roosevelt Ave": "one twenty-three oh one Roosevelt Avenue",
    "1600 Pennsylvania Ave NW": "sixteen hundred Pennsylvania Avenue Northwest",
    "In 1990 Oxford Street was": "In nineteen ninety Oxford Street was",
    "Portland, OR 97201": "Portland, Oregon nine seven two zero one",
    "Boston MA 02108-1234": "Boston Massachusetts zero two one zero eight, one two three four",
    "Paris, OK?": "Paris, okay?",
    "Yes, OR no.": "Yes, or no.",
    "Beverly Hills 90210": "Beverly Hills nine zero two one zero",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_places_are_read_as_their_names(written: str, heard: str) -> None:
    assert spoken(written).text == heard
