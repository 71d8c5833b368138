"""What is said to a tool that acts, serves, stops or informs."""

from __future__ import annotations

import pytest

from antiphon.tools.rules.tool_kind import acts
from antiphon.tools.rules.utterance_kind import wants
from antiphon.tools.tool import Tool

LIGHT = Tool("turn_light", "Turn the light in a room on or off.")


def test_a_tool_that_acts_is_known_by_its_first_verb():
    assert (
        acts(LIGHT)
        and acts(Tool("front_door", "Locks the front door."))
        and acts(Tool("set_alarm", "Wake somebody at a time of day."))
    )
    assert not acts(Tool("warmth", "Measure how warm it is.")) and not acts(
        Tool("ingredients", "Lists what is in a dish.")
    )


HALT = Tool("halt", "Stop moving at once.")


@pytest.mark.parametrize(
    "text",
    [
        "How do I make you stop?",
        "How can I stop you?",
        "How do I get you to stop?",
        "How could we make you stop moving?",
        "Why won't you stop?",
        "Why can't you stop moving?",
        "Please, how do I stop you?",
        "Hey, why won't you stop?",
        "How can we get you to stop now?",
        "Robot, how do I make you stop moving?",
    ],
)
def test_who_asks_how_to_stop_the_robot_wants_it_to_stop(text):
    assert wants(text, HALT)


@pytest.mark.parametrize(
    "text",
    [
        "How do I stop the pump?",
        "How did you stop?",
        "How do you stop?",
        "How could she make you stop moving?",
        "Why did you stop?",
        "When did you stop moving?",
        "Please, how do I start you?",
        "Hey, don't stop.",
        "How far do you need to stop?",
        "Who told you to stop moving?",
    ],
)
def test_other_questions_about_stopping(text):
    assert not wants(text, HALT)
    assert not wants("How do I make you stop?", Tool("march", "Drive along the wall."))


CARD = Tool("request_card", "Request a new card.")


@pytest.mark.parametrize(
    "text",
    [
        "Am I able to request a card?",
        "Is there a way to request a card?",
        "Is there any way to request a new card?",
        "Is there a way I can request a card?",
        "Is there any way you can request one?",
        "Is it okay if I request a card?",
        "Is it ok to request a card?",
        "Is it all right if I request one?",
        "Please, is there a way to request a card?",
        "Hey, am I able to request a new card?",
    ],
)
def test_more_ways_to_ask_for_a_service(text):
    assert wants(text, CARD)
    assert not wants(text.replace("request", "turn on"), LIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "How am I able to request a card?",
        "Is there a fee when I request a card?",
        "Is there any card that was requested?",
        "Was there a way to request a card?",
        "Is there anybody who can request one?",
        "Is it okay that she requested a card?",
        "Is it expensive to request a card?",
        "Was it all right that I requested one?",
        "What is the way to request a card?",
        "Are they able to request a new card?",
    ],
)
def test_other_questions_about_a_service(text):
    assert not wants(text, CARD)


DOOR = Tool("door_state", "Tells whether the door is locked.")


@pytest.mark.parametrize(
    "text",
    [
        "Lock the door.",
        "Please unlock it.",
        "Open the door now.",
        "I want you to lock the door.",
        "I'd like to close the door.",
        "Go ahead and open the door.",
        "Let's shut the door.",
        "Robot, set the lock.",
        "Order a new door.",
        "Book me a locksmith.",
        "Send the key to mom.",
        "I need you to make a key.",
    ],
)
def test_who_only_tells_whether_does_not_do(text):
    assert not wants(text, DOOR)
    assert wants(text, Tool("door", "Describe the door."))


@pytest.mark.parametrize(
    "text",
    [
        "Is the door locked?",
        "Check the door.",
        "Make sure the door is locked.",
        "Could one open the door?",
        "I want to know if the door is locked.",
        "I'd like to hear about the door.",
        "Go ahead and check whether the door is open.",
        "Open the app and see if the door is locked.",
        "Locked door, yes or no?",
        "Lock on the door?",
        "Call mom to find out whether it is locked.",
        "Tell me about the door.",
    ],
)
def test_who_tells_whether_is_asked_in_any_form(text):
    assert wants(text, DOOR)


RESULTS = Tool("results", "Fetches the latest results of the league.")


@pytest.mark.parametrize(
    "text",
    [
        "Who won?",
        "What is the score?",
        "Did the Lakers win last night?",
        "How did they get on?",
        "Is the game over?",
        "Are we ahead?",
        "Has the match begun?",
        "Do you know who won?",
        "I wonder how they did.",
        "Let me know if we won.",
    ],
)
def test_what_fetches_data_answers_questions(text):
    assert wants(text, RESULTS)


@pytest.mark.parametrize(
    "text",
    [
        "Did you fetch the ball?",
        "Have you fetched the ball yet?",
        "Who fetched the ball?",
        "Why do you fetch the ball?",
        "She fetched the ball.",
        "I forgot to fetch the ball.",
        "Don't fetch the ball.",
        "Fetch the ball tomorrow.",
        "If it rains, fetch the ball.",
        "Is it dangerous to fetch the ball?",
    ],
)
def test_what_fetches_things_is_not_used_for_questions_about_it(text):
    assert not wants(text, Tool("fetch", "Fetch the ball."))
