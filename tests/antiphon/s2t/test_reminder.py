"""What a language model is reminded of before it answers."""

import pytest

from antiphon.messages import Turn
from antiphon.s2t.identity import NATURE
from antiphon.s2t.recall import Recall, shared_words
from antiphon.s2t.reminder import REMEMBERED, Reminded, Reminder

HISTORY = (Turn("user", "My canary is called Pip."), Turn("assistant", "Nice."))
LATER = (*HISTORY, Turn("user", "Good."), Turn("assistant", "Yes."))


@pytest.fixture
def reminder():
    return Reminder(recall=Recall(shared_words))


def test_what_was_told_stands_behind_a_question_about_it(reminder):
    found = reminder.of("What is my canary called?", LATER)
    assert "My canary is called Pip." in found.behind
    assert found.begun == ""


def test_an_answer_says_what_is_remembered(reminder):
    assert reminder.of("Do you remember my canary?", LATER).begun == REMEMBERED
    assert reminder.of("Do you remember my uncle?", LATER) == Reminded("", "")


def test_nothing_is_added_to_other_questions(reminder):
    assert reminder.of("What is the capital of Norway?", LATER) == Reminded("", "")
    assert reminder.of("What is my canary called?", ()) == Reminded("", "")


def test_who_the_agent_is_begins_the_answer(reminder):
    assert reminder.of("Who are you?", LATER) == Reminded("", NATURE)


def test_a_persona_and_what_a_conversation_is_told_win(reminder):
    assert Reminder("You are Captain Hook.").of("Who are you?", ()).begun == ""
    told = Turn("system", "You are a librarian.")
    assert reminder.of("Who are you?", (told, *LATER)).begun == ""
    assert reminder.of("What is my canary called?", (told, *LATER)).behind
