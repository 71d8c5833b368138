"""What the user told is found again for a question about it, and only for that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon import weights
from antiphon.llm import sentence_encoder
from antiphon.messages import Turn
from antiphon.s2t.recall import MOST, WORDS, Recall, shared_words


def said(*lines):
    turns = [(Turn("user", line), Turn("assistant", "I see.")) for line in lines]
    return tuple(turn for pair in turns for turn in pair)


TOLD = said(
    "I put the tickets into the green drawer.",
    "How long is the flight to Madrid?",
    "My uncle Henrik collects stamps.",
    "The weather is awful today.",
    "What is seven times eight?",
)


@pytest.fixture(params=["encoder", "words"])
def found(request):
    """Finds by the sentence encoder where it has been fetched, and by words."""
    if request.param == "words":
        return Recall(shared_words).find
    if not weights.is_ready(weights.ENTRIES[sentence_encoder.NAME]):
        pytest.skip("the sentence encoder has not been fetched")
    return Recall().find


def test_a_question_finds_what_it_is_about(found):
    assert found("Where did I put the tickets?", TOLD) == (
        "I put the tickets into the green drawer.",
    )
    assert found("Do you remember what my uncle collects?", TOLD) == (
        "My uncle Henrik collects stamps.",
    )


def test_a_question_about_nothing_that_was_told_finds_nothing(found):
    assert found("What is the capital of Norway?", TOLD) == ()
    assert found("How many legs does a spider have?", TOLD) == ()
    assert found("Where did I put the tickets?", ()) == ()


def test_what_is_no_question_finds_nothing(found):
    assert found("My uncle sold his stamps.", TOLD) == ()


def test_turns_that_left_the_prompt_are_found(found):
    history = (Turn("user", "I put the tickets into the green drawer.", shown=False), *said("Hi."))
    assert found("Where did I put the tickets?", history) == (
        "I put the tickets into the green drawer.",
    )


def test_neither_questions_nor_answers_are_found():
    history = (
        Turn("user", "Where are my tickets?"),
        Turn("assistant", "Your tickets are in the green drawer."),
    )
    assert Recall(shared_words).find("Where are my tickets?", history) == ()


def test_a_question_that_refers_back_is_read_with_the_line_before():
    history = said("My uncle Henrik collects stamps.", "What does my uncle Henrik collect?")
    assert Recall(shared_words).find("And why does he?", history) == (
        "My uncle Henrik collects stamps.",
    )


def test_the_line_before_is_found_only_if_the_question_is_about_the_user(found):
    history = said("I live in Porto.")
    assert found("Which river flows there?", history) == ()
    assert found("Which city do I live in?", history) == ("I live in Porto.",)


def test_a_correction_is_found_with_what_it_corrects(found):
    history = said(
        "My train to Porto leaves at six.", "No, wait, at eight.", "It is a long way.", "Why?"
    )
    assert found("When does my train to Porto leave?", history) == (
        "My train to Porto leaves at six.",
        "No, wait, at eight.",
    )


def test_the_users_name_is_found_however_it_was_told():
    history = said("Hello, I'm Priya.", "The sky is grey.", "What is that?")
    assert Recall(shared_words).find("Do you remember my name?", history) == ("Hello, I'm Priya.",)


def test_wishes_are_not_found():
    history = said("Tell me a story about my uncle.", "Why?")
    assert Recall(shared_words).find("Who is my uncle?", history) == ()


def test_what_was_said_twice_is_found_once(found):
    history = said("My uncle collects stamps.", "Well, my uncle collects stamps.", "Hm.")
    assert len(found("What does my uncle collect?", history)) == 1


def test_without_the_encoder_words_are_compared(monkeypatch):
    monkeypatch.setattr(weights, "is_ready", lambda entry: False)
    assert Recall().likeness is shared_words


lines = st.lists(st.text(max_size=120), max_size=12)


@given(lines, st.text(max_size=120))
def test_what_is_found_is_short_and_was_told_by_the_user(texts, question):
    history = said(*texts)
    told = Recall(lambda a, b: 0.9).find(question + "?", history)
    assert len(told) <= 2 * MOST  # each may have been corrected
    assert sum(len(each.split()) for each in told) <= WORDS
    assert all(any(each in text for text in texts) for each in told)
