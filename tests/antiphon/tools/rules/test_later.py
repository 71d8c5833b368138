import pytest

from antiphon.tools.rules.later import later
from antiphon.tools.tool import Tool

LAMP = Tool("switch_lamp", "Switch the lamp.")
HEAT = Tool("heat", "Heat to a temperature.", {"properties": {"degrees": {"type": "number"}}})
TIMER = Tool("start_timer", "Start a timer for some minutes.")


@pytest.mark.parametrize(
    "text",
    [
        "Switch it on at five.",
        "Switch it on an hour from now.",
        "The moment I leave, switch it on.",
        "In the evening, switch it on.",
        "Once dinner is ready, switch it on.",
        "Switch it on whenever someone knocks.",
        "Wait ten minutes and switch it on.",
        "Switch it on before lunch.",
    ],
)
def test_another_time_or_a_condition(text):
    assert later(text, LAMP)


@pytest.mark.parametrize(
    "text",
    [
        "Switch it on at once.",
        "Switch it on once more.",
        "When you have a moment, switch it on.",
        "If it's not too much trouble, switch it on.",
        "Switch it on if possible.",
    ],
)
def test_now(text):
    assert not later(text, LAMP)


def test_a_number_may_be_an_argument_or_a_time():
    assert not later("Heat it at nineteen.", HEAT)
    assert later("Heat it to nineteen at five.", HEAT)


def test_a_timer_takes_a_time_but_no_condition():
    assert not later("Start it in ten minutes.", TIMER)
    assert later("If it rains, start it.", TIMER)


@pytest.mark.parametrize(
    "tool",
    [
        Tool("cancel_table", "Cancels the table for the user."),
        Tool("delete_task", "Delete what is on the list."),
        Tool("undo", "Removes what was planned."),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "Cancel the table for tonight.",
        "Remove the job on Friday.",
        "Delete the one at seven pm.",
        "Please drop what is planned for tomorrow morning.",
    ],
)
def test_the_time_of_what_is_taken_back_is_its_own(text, tool):
    assert not later(text, tool)
    assert later(f"If it rains, {text.lower()}", tool)


def test_the_time_of_an_action_stays_that_of_the_action():
    for text in ("Switch it off tonight.", "Drop the lamp tomorrow morning."):
        assert later(text, LAMP)


@pytest.mark.parametrize(
    "text",
    [
        "Switch it on if it isn't on already.",
        "Switch it off if it's still on.",
        "If it is not on yet, switch it on.",
        "If they aren't already on, switch them on.",
        "Unless it's already on, switch it on.",
        "Switch it on, if you haven't already.",
        "Switch it on unless I already did.",
        "Switch it on as soon as possible.",
        "Switch it on as soon as you can.",
        "I would appreciate it if you switched it on.",
        "It would be nice if you switched it on.",
        "I'd be very glad if you switched it off.",
        "Switch it on for tonight's dinner.",
        "Tomorrow's cake needs light, switch it on.",
    ],
)
def test_what_only_looks_like_a_condition_or_a_time(text):
    assert not later(text, LAMP)


@pytest.mark.parametrize(
    "text",
    [
        "Switch it on if it isn't raining yet.",
        "Switch it off if they have already left.",
        "If it is still raining, switch it on.",
        "Unless he's already home, switch it on.",
        "Switch it on, if nobody is home already.",
        "Switch it on unless I say no.",
        "Switch it on as soon as I leave.",
        "Switch it on as soon as it gets dark.",
        "If it rains, switch it on if you can.",
        "It would be nice if you switched it on tonight.",
        "I'd be very glad if you switched it off when I leave.",
        "Switch it on tomorrow for tonight's guests.",
        "For tomorrow's cake, switch it on at nine AM.",
    ],
)
def test_courtesy_does_not_hide_a_condition_or_a_time(text):
    assert later(text, LAMP)


MAIL = Tool("send_message", "Send a message to somebody.")


@pytest.mark.parametrize(
    "text",
    [
        "Send Tom a message that I will be late tonight.",
        "Send a message to Anna saying dinner is at seven pm.",
        "Write to her that we meet tomorrow.",
        "Tell him I'll be there in ten minutes.",
        "Message Tom and ask him to come on Friday.",
        "Send a message to mom asking if she is home.",
        "Write Tom a message to say I call him later.",
        "Send them a message with the words see you tomorrow.",
        "Text Anna we can talk when she gets home.",
        "Message my boss I'm out until noon.",
    ],
)
def test_the_times_in_a_message_are_not_those_of_sending_it(text):
    assert not later(text, MAIL)
    assert later(f"If it rains, {text.lower()}", MAIL)


@pytest.mark.parametrize(
    "text",
    [
        "Send Tom a message tonight.",
        "Send a message to Anna at seven pm.",
        "Tomorrow write to her that we meet.",
        "In ten minutes tell him I'm there.",
        "On Friday, message Tom and ask him to come.",
        "Send a message to mom when I am home.",
        "Write Tom a message later to say I call him.",
        "Send them a message as soon as we arrive.",
        "Text Anna before I leave.",
        "Message my boss at noon that I'm out.",
    ],
)
def test_a_message_may_be_sent_at_another_time(text):
    assert later(text, MAIL)


VOICE = Tool("whisper", "Switch the voice to a whisper.")


@pytest.mark.parametrize(
    "text",
    [
        "Whisper when you talk to me.",
        "Please whisper when speaking.",
        "Use a soft voice while you talk.",
        "When you answer, whisper.",
        "Whisper whenever you speak.",
        "Switch to a whisper when you're speaking to her.",
        "When answering me, use a whisper.",
        "Use the low voice while talking.",
        "Only whisper when talking to the baby.",
        "While speaking, use the soft voice.",
    ],
)
def test_how_the_robot_speaks_is_no_condition(text):
    assert not later(text, VOICE)
    assert later(text, LAMP)


@pytest.mark.parametrize(
    "text",
    [
        "Whisper when I talk to you.",
        "Please whisper when the baby sleeps.",
        "Use a soft voice while we eat.",
        "When it gets late, whisper.",
        "Whisper whenever somebody calls.",
        "Switch to a whisper when you answer the phone.",
        "When my mother is here, use a whisper.",
        "Use the low voice at night.",
        "Only whisper when I am asleep.",
        "While they are watching, use the soft voice.",
    ],
)
def test_a_voice_may_change_under_a_condition(text):
    assert later(text, VOICE)
