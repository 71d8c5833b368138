"""Heteronyms: the written list, what has no rule, and text that is not there yet."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.evaluation.measures.speaking import names
from antiphon.t2c.pronunciation import heteronyms


def chosen(sentence, word, before=""):
    match = list(re.finditer(rf"\b{word}\b", sentence, re.I))[-1]
    return heteronyms.choose(sentence, match.start(), match.end(), before)


def test_the_written_list_is_told_apart():
    cases = list(names.heteronyms())
    right = [c for c in cases if chosen(c.sentence, c.word) in (c.right, None)]
    assert len(cases) >= 120 and len(right) >= 0.95 * len(cases)


@pytest.mark.parametrize(
    ("sentence", "word", "phonemes"),
    [
        ("We will record it.", "record", "ɹᵻkˈɔːɹd"),
        ("A new record.", "record", "ɹˈɛkɚd"),
        ("Polish the shoes.", "polish", "pˈɑːlɪʃ"),
        ("A Polish poet.", "polish", "pˈoʊlɪʃ"),
        ("N A", "n", "ˈɛn"),
        ("The symbol is N A.", "a", "ˈeɪ"),
    ],
)
def test_words_around_decide(sentence, word, phonemes):
    assert chosen(sentence, word) == phonemes


def test_an_article_and_other_words_are_left_to_the_pronouncer():
    assert chosen("This is a house.", "a") is None
    assert chosen("Worcester is a city.", "Worcester") is None


def test_what_was_said_before_counts():
    assert chosen("record it.", "record", "They will ") == "ɹᵻkˈɔːɹd"
    assert chosen("record is old.", "record", "This ") == "ɹˈɛkɚd"


def test_a_segment_does_not_end_with_one():
    assert heteronyms.needs_next_word("the lead") and heteronyms.needs_next_word("Live")
    assert not heteronyms.needs_next_word("the leads") and not heteronyms.needs_next_word("lead,")
    assert not heteronyms.needs_next_word("") and not heteronyms.needs_next_word("plan B")


@given(st.text(alphabet="aeilnoprstw .,?!'ALR", max_size=60), st.sampled_from(["lead", "use", "A"]))
def test_any_surroundings_give_one_of_the_two(around, word):
    text = f"{around} {word} {around}"
    at = len(around) + 1
    assert heteronyms.choose(text, at, at + len(word)) in (
        *heteronyms.table()[word.lower()][1:],
        None,
    )
