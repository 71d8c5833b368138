"""What is shown while a reply is spoken, and the face beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.transports.xiaozhi.emotion import RULES, emotion
from antiphon.transports.xiaozhi.subtitles import Subtitles

NAMES = """neutral happy laughing funny sad angry crying loving embarrassed surprised shocked
thinking winking cool relaxed delicious kissy confident sleepy silly confused"""
FIRMWARE = frozenset(NAMES.split())


def shown(words, text):
    """What is shown of a text that is written from the beginning."""
    subtitles = Subtitles()
    return [found for word in words if (found := subtitles.next(word, text))]


def test_a_sentence_is_shown_when_its_first_word_is_spoken():
    text = " Dr. Li lives at 3.5 Main St. in Rome. He paints! And you?"
    assert shown(text.split(), text) == [
        "Dr. Li lives at 3.5 Main St. in Rome.",
        "He paints!",
        "And you?",
    ]


def test_a_sentence_that_is_still_written_is_shown_in_parts():
    subtitles = Subtitles()
    assert subtitles.next("I", " I believe it's") == "I believe it's"
    assert subtitles.next("believe it's", " I believe it's Texas. Yes") is None
    assert subtitles.next("Texas.", " I believe it's Texas. Yes") == "Texas."
    assert subtitles.next("Yes", " I believe it's Texas. Yes, it is.") == "Yes, it is."


@given(st.lists(st.sampled_from(["so", "it", "ends.", "Why?", "Dr.", "5."]), max_size=12))
def test_every_word_is_shown_once(words):
    assert " ".join(shown(words, " " + " ".join(words))).split() == words


@given(st.lists(st.text(max_size=4), max_size=6), st.text(max_size=30))
def test_words_that_are_not_in_the_text_do_no_harm(words, text):
    assert len(" ".join(shown(words, text))) <= len(text) + len(words)


@pytest.mark.parametrize(
    ("said", "face"),
    [
        ("I believe it's Texas.", "neutral"),
        ("I'm sorry, I can't do that.", "sad"),
        ("That is great news.", "happy"),
        ("I am a cooler.", "neutral"),
        ("Good night, Lena.", "sleepy"),
        ("I did not understand.", "confused"),
        ("What a day!", "happy"),
    ],
)
def test_a_face_fits_a_sentence_or_is_neutral(said, face):
    assert emotion(said) == face


def test_every_face_is_one_of_the_firmware():
    assert {name for _, name in RULES} < FIRMWARE
