"""Whether an utterance asks for an action now."""

from __future__ import annotations

import pytest

from antiphon.tools.rules.direction import impossible
from antiphon.tools.rules.utterance_kind import wants
from antiphon.tools.tool import Tool

LIGHT = Tool("turn_light", "Turn the light in a room on or off.")
WARMTH = Tool("get_temperature", "Measure how warm it is in the room.")
ALARM = Tool("set_alarm", "Wake somebody at a time of day.")


@pytest.mark.parametrize(
    "text",
    [
        "Turn on the light.",
        "Please switch the light off.",
        "Could you turn on the light in the hall?",
        "Would you mind turning off the light?",
        "Can you please close it?",
        "Why don't you turn on the light?",
        "Don't forget to turn off the light.",
        "Turn on the light if you can.",
        "When you have time, turn off the light.",
        "I want you to turn on the light.",
        "It is too dark in here.",
        "Lights on!",
        "Robot, turn it off right now.",
    ],
)
def test_commands_in_every_form(text):
    assert wants(text, LIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "Do not turn on the light.",
        "Don’t turn off the light.",
        "Please never turn off the light in the hall.",
        "You must not open it.",
        "There's no need to turn on the light.",
        "I don't want you to turn on the light.",
    ],
)
def test_what_is_forbidden(text):
    assert not wants(text, LIGHT) and not wants(text, WARMTH)


@pytest.mark.parametrize(
    "text",
    [
        "Is the light in the kitchen on?",
        "Did you turn off the light?",
        "Who turned on the light?",
        "Why is the light on?",
        "Do you know if the light is on?",
        "Tell me whether the light is on.",
        "Are the lights off?",
        "Isn't the door locked?",
    ],
)
def test_questions_are_for_tools_that_report(text):
    assert not wants(text, LIGHT)
    assert wants(text, WARMTH)


@pytest.mark.parametrize(
    "text",
    [
        "The light in the kitchen is on.",
        "My door is already locked.",
        "The lights were off all day.",
        "I turned off the light.",
        "She has just turned off the light.",
    ],
)
def test_statements(text):
    assert not wants(text, LIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "If it gets dark, turn on the light.",
        "When I come home turn on the light.",
        "Turn off the light as soon as the film begins.",
        "Turn on the light in the bedroom at nine AM.",
        "Turn on the light tomorrow.",
        "Turn the light off in ten minutes.",
        "Turn on the light every evening.",
        "Turn on the light at half past seven in the morning.",
    ],
)
def test_conditions_and_times_are_not_now(text):
    assert not wants(text, LIGHT)
    assert wants(text, ALARM) is not text.startswith("If")


def test_a_dont_may_ask_for_a_tool_that_takes_something_back():
    assert wants("Don't pay the charity any more.", Tool("debit", "Cancel a direct debit."))
    assert wants("Never mind.", Tool("cancel_task", "Stops or undoes the current command."))


def test_directions_a_tool_does_not_have():
    number = {"type": "object", "properties": {"meters": {"type": "number"}}}
    drive = Tool("drive", "Drive forward some meters.", number)
    assert impossible("drive two meters backwards", drive) == "I cannot drive backwards."
    assert impossible("drive two meters forward right now", drive) is None
    assert impossible("drive two meters", drive) is None
    both = Tool("drive", "Drive forward or backward some meters.", number)
    assert impossible("reverse two meters", both) is None


LOCK = Tool(
    "lock_door",
    "Lock or unlock the door.",
    {"properties": {"locked": {"type": "boolean"}}, "required": ["locked"]},
)


@pytest.mark.parametrize(
    "text",
    [
        "I would rather you didn't unlock the door.",
        "The door must not be unlocked.",
        "Nobody asked you to unlock the door.",
        "No, don't unlock the door.",
        "By no means unlock the door.",
        "I forgot to lock the door.",
        "She asked me to lock the door.",
        "I think the door is locked.",
        "The door is locked, isn't it?",
        "Could you tell me if the door is locked?",
        "It is dangerous to unlock the door.",
    ],
)
def test_who_names_an_action_without_wishing_it_only_speaks_of_it(text):
    assert not wants(text, LOCK)


@pytest.mark.parametrize(
    "text",
    [
        "I'm cold, lock the door.",
        "The door should be locked, please.",
        "I need the door locked.",
        "It's time to lock the door.",
        "Never mind that, lock the door.",
        "I was just leaving, please lock the door.",
        "Somebody is coming.",
    ],
)
def test_wishes_and_commands_behind_a_statement(text):
    assert wants(text, LOCK)


def test_a_not_before_any_verb_of_change_forbids():
    lamp = Tool("paint_lamp", "Set the color of the lamp.")
    assert wants("Make the lamp red.", lamp)
    assert not wants("Nobody should make the lamp red.", lamp)
    assert not wants("Whatever you do, don't make the lamp red.", lamp)


@pytest.mark.parametrize(
    "text",
    [
        "Is it possible to turn on the light in the hall?",
        "Would it be possible for you to turn off the light?",
        "What I see here is too bright, please turn off the light.",
        "How dark it is! Please turn the light on.",
        "I would like you to turn off the light that was on all night.",
        "I need you to turn on the light they had turned off.",
        "I'd like to turn off the light I told you about.",
        "I don't need the light any more please turn it off.",
        "It isn't day yet please turn on the light.",
        "Can I turn on the light, please?",
        "What I want is that you turn on the light.",
    ],
)
def test_requests_with_something_else_around_them(text):
    assert wants(text, LIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "Is it possible that you turned on the light?",
        "Is it true that you turn on the light by yourself?",
        "What happens when I turn off the light?",
        "How can I turn on the light?",
        "Please, is the light turned on?",
        "Please do not turn on the light.",
        "I don't want it bright so please don't turn on the light.",
        "I said please never turn on the light.",
        "I wanted you to turn on the light.",
        "I would have liked to turn on the light.",
        "Can I turn on the light from here?",
    ],
)
def test_what_only_looks_like_such_a_request(text):
    assert not wants(text, LIGHT)


@pytest.mark.parametrize(
    "text",
    ["Can I book a table for two?", "Could I book the corner table?", "May I book for tonight?"],
)
def test_who_asks_whether_they_may_asks_for_a_service_but_no_machine(text):
    table = Tool("book_table", "Books a table for the user tonight.")
    assert wants(text, table)
    assert not wants(text.replace("book", "open"), Tool("door", "Open the door to the table."))
