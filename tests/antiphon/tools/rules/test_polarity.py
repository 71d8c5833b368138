"""Which way an utterance wants a boolean."""

from __future__ import annotations

import pytest

from antiphon.tools.rules.polarity import yes_or_no
from antiphon.tools.tool import Parameter, Tool


def boolean(name, text, description=""):
    return yes_or_no(text, Parameter(name, "boolean"), Tool("act", description or "Do it."))


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("locked", "lock the front door", "unlock the front door"),
        ("unlocked", "unlock the gate", "lock the gate please"),
        ("on", "switch the lamp on", "could you turn off the light in the hall please"),
        ("on", "start the fan", "stop the fan"),
        ("enabled", "enable the alarm", "disable the alarm"),
        ("open", "open the blinds", "close the blinds"),
        ("closed", "shut the window", "open the window"),
        ("muted", "mute the television", "unmute the television"),
        ("connected", "connect the headphones", "disconnect the headphones"),
        ("visible", "show the map", "hide the map"),
        ("up", "raise the desk", "lower the desk"),
        ("paused", "pause the music", "resume the music"),
        ("armed", "arm the alarm", "disarm the alarm"),
    ],
)
def test_the_name_says_which_way_is_true(name, yes, no):
    assert boolean(name, yes) is True
    assert boolean(name, no) is False


def test_the_description_says_it_where_the_name_does_not():
    assert boolean("state", "unlock it", "Lock or unlock the safe.") is False
    assert boolean("state", "lock it", "Lock or unlock the safe.") is True


def test_what_is_not_said_is_not_guessed():
    assert boolean("locked", "the front door") is None
    assert boolean("on", "the lamp in the hall") is None


def test_not_turns_it_round_unless_it_is_about_forgetting():
    assert boolean("locked", "make it not locked") is False
    assert boolean("locked", "don't forget to lock the door") is True
    assert boolean("locked", "never mind that, lock the door") is True
    assert boolean("locked", "why not lock the door") is True


def test_a_pair_of_verbs_that_nobody_listed_is_taken_from_the_description():
    boat = Tool("fill_boat", "Inflate or deflate the rubber boat.")
    inflated = Parameter("inflated", "boolean")
    assert yes_or_no("inflate the boat", inflated, boat) is True
    assert yes_or_no("would you mind deflating the boat", inflated, boat) is False


def test_a_dont_that_asks_for_less_does_not_say_no():
    for text in ("don't talk so loud", "don't be too fast", "do not make such a noise"):
        assert boolean("on", text) is None
    assert boolean("muted", "don't be so quiet") is False
    assert boolean("on", "don't talk") is False
