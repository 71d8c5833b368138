"""Requests that are no plain commands, and what only looks like them."""

from __future__ import annotations

import pytest

from antiphon.tools.rules.utterance_kind import wants
from antiphon.tools.tool import Tool

LIGHT = Tool("turn_light", "Turn the light in a room on or off.")


@pytest.mark.parametrize(
    "text",
    [
        "My hands are full, so could you turn on the light?",
        "I'm in bed, will you turn off the light?",
        "I cannot read, would you turn on the light?",
        "I gotta turn off the light.",
        "I've got to turn the light on.",
        "I'd be grateful if you turned off the light.",
        "I would be so happy if you turned on the light.",
        "See if you can turn on the light.",
        "Please see whether you can turn off the light.",
        "Have the light in the hall turned on.",
        "Have a light turned on for the guests.",
        "Don't let me forget to turn off the light.",
        "Is the light still on, turn it off.",
        "The light is still on, turn it off.",
        "Why is the light off, just turn it on.",
        "Turn on the light if it isn't turned on already.",
    ],
)
def test_requests_in_other_words(text):
    assert wants(text, LIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "My hands were full, so he turned on the light.",
        "I asked him whether you could turn on the light.",
        "I never said you turned on the light.",
        "I got to work and had turned off the light.",
        "She has got the light turned on.",
        "I'd be grateful if you did not turn off the light.",
        "I'm so happy that you turned on the light.",
        "See if the light is turned on.",
        "Please see whether anybody turned off the light.",
        "Have the lights been turned on?",
        "Have the guests turned the light on already?",
        "Have you turned off the light?",
        "Don't let me turn off the light.",
        "Did you turn it on, turn it off or break it?",
        "The light is still on, he did not turn it off.",
        "Why is the light off, did you turn it off?",
    ],
)
def test_what_such_words_also_say(text):
    assert not wants(text, LIGHT)


SLOWER = Tool("speech_rate", "Change how fast the robot speaks.")


@pytest.mark.parametrize(
    "text",
    [
        "Don't speak so fast.",
        "Please don't talk so slowly.",
        "Do not be so quick.",
        "Dont talk too fast.",
        "Robot, don't speak that bit so fast.",
        "Don’t be too slow.",
        "Please do not sound so hasty.",
        "Don't be so brief.",
        "Do not shout so loud.",
        "Don't make such a noise.",
        "Don't make so much noise.",
    ],
)
def test_a_dont_may_ask_for_less(text):
    assert wants(text, SLOWER)


@pytest.mark.parametrize(
    "text",
    [
        "Don't speak.",
        "Please don't talk.",
        "Do not be quick.",
        "Don't change so much.",
        "Robot, don't change how fast you speak.",
        "Don’t change it too often.",
        "Please do not change the voice so soon.",
        "Don't be so brief, and never change it.",
        "Do not shout.",
        "Don't make the lamp so bright.",
        "Don't make so much coffee.",
    ],
)
def test_other_donts_forbid(text):
    assert not wants(text, SLOWER)
