import pytest

from antiphon.text import spoken

CASES = {
    "9.30 p.m.": "nine thirty P M.",
    "11:20AM,2:40PM": "eleven twenty A M, two forty P M",
    "2-3pm": "two to three P M",
    "8am–noon": "eight A M to noon",
    "1:59 p.m.est": "one fifty-nine P M E S T",
    "GMT+2": "G M T plus two",
    "2h 30m, 3m12s": "two hours thirty minutes, three minutes twelve seconds",
    "The alarm has been on for 5m.": "The alarm has been on for five minutes.",
    "Swim for 50m.": "Swim for fifty meters.",
    "The wall is 5m long.": "The wall is five meters long.",
    "for 90s and the 90s": "for ninety seconds and the nineties",
    "in 20s, in his 20s": "in twenty seconds, in his twenties",
    "The video is 1:45:30 long.": "The video is one hour forty-five minutes thirty seconds long.",
    "a ratio of 1:10 at 1:10": "a ratio of one to ten at one ten",
    "at 1:10": "at one ten",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_times_and_durations(written: str, heard: str) -> None:
    assert spoken(written).text == heard
