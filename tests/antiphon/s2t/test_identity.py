"""How answers to questions about the assistant itself begin."""

import pytest

from antiphon.messages import Turn
from antiphon.s2t.identity import AGAIN, ITSELF, MAKER, NAME, NATURE, beginning


@pytest.mark.parametrize(
    ("question", "begun"),
    [
        ("Who are you?", NATURE),
        ("Are you a machine?", NATURE),
        ("Are you Cortana?", NATURE),
        ("Am I talking to a computer?", NATURE),
        ("Tell us something about yourself.", ITSELF),
        ("You’re a robot, aren’t you?", NATURE),
        ("Is there a human there?", NATURE),
        ("What's your name?", NAME),
        ("How should I call you?", NAME),
        ("Who programmed you?", MAKER),
        ("What is your company?", MAKER),
    ],
)
def test_questions_about_the_assistant(question, begun):
    assert beginning(question) == begun


@pytest.mark.parametrize(
    "question",
    [
        "What's the capital of Spain?",
        "Could you tell me a story?",
        "What do you call a young horse?",
        "What do you think about tea?",
        "Are you sure that Paris is in France?",
        "Are you aware that people live on islands?",
        "Who are you rooting for?",
        "Is there a machine that washes dishes?",
        "Do they call you at night?",
        "What is your friend's name?",
        "Which model of car would you buy?",
        "Is it real?",
        "Thank you, you're very kind.",
        "Who made you laugh?",
        "",
    ],
)
def test_other_questions(question):
    assert beginning(question) == ""


def test_the_name_is_not_said_twice_in_a_row():
    history = (Turn("user", "Who are you?"), Turn("assistant", "I'm Antiphon, a program."))
    assert beginning("Are you a person?", history) == AGAIN
