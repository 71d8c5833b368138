"""Word errors and right answers, counted by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.evaluation.scores import (
    Errors,
    holds_answer,
    mean,
    mean_interval,
    normalized,
    ratio_interval,
    tokens,
    total,
    word_errors,
)


@pytest.mark.parametrize(
    ("said", "recognized", "wrong", "words"),
    [
        ("The cat sat.", "the cat sat", 0, 3),
        ("The cat sat.", "the bat sat", 1, 3),
        ("The cat sat.", "", 3, 3),
        ("It's twenty-one.", "It is 21", 0, 3),
        ("Hi.", "hi there you", 2, 1),
        ("", "hello", 1, 0),
        ("😀", "", 0, 0),
    ],
)
def test_word_errors(said, recognized, wrong, words):
    assert word_errors(said, recognized) == Errors(wrong, words)


def test_errors_add_up_over_texts_not_over_rates():
    assert total([Errors(1, 2), Errors(0, 8)]).percent == 10
    assert math.isnan(total([]).percent)


@given(st.text(max_size=80))
def test_nothing_is_wrong_with_what_was_said(text):
    assert word_errors(text, text).wrong == 0


@pytest.mark.parametrize(
    ("reply", "answers", "right"),
    [
        ("It was Paris, of course.", ["paris"], True),
        ("It was Parisian.", ["Paris"], False),
        ("Justin's brother is Jaxon Bieber.", ["Jazmyn Bieber", "Jaxon Bieber"], True),
        ("Jaxon and Justin Bieber.", ["Jaxon Bieber"], False),
        ("In 1988.", ["1988"], True),
        ("It is 3.5 metres.", ["3.5"], True),
        ("café au lait", ["Cafe\N{COMBINING ACUTE ACCENT}"], True),
        ("", ["x"], False),
        ("anything", [], False),
        ("anything", ["", " "], False),
    ],
)
def test_answers(reply, answers, right):
    assert holds_answer(reply, answers) is right


def test_tokens_are_words_and_single_signs():
    assert tokens("Who's there?! 3.5") == ["who", "'", "s", "there", "?", "!", "3", ".", "5"]


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_an_answer_set_off_by_spaces_is_found(before, answer, after):
    assert holds_answer(f"{before} {answer} {after}", [answer]) is bool(tokens(answer))


def test_normalized():
    assert normalized("Mr. Li doesn't!") == "mister li does not"


def test_mean():
    assert mean([1.0, 2.0]) == 1.5 and math.isnan(mean([]))


def test_the_interval_of_a_mean_holds_it_and_narrows_with_more_values():
    few, many = mean_interval([1.0, 3.0] * 4), mean_interval([1.0, 3.0] * 100)
    assert few[0] < many[0] < 2.0 < many[1] < few[1]
    assert mean_interval([5.0, 5.0]) == (5.0, 5.0)
    assert all(map(math.isnan, mean_interval([])))


def test_a_ratio_of_sums_lies_in_its_interval_and_nothing_has_none():
    low, high = ratio_interval([1, 0, 2, 1] * 20, [4, 3, 5, 4] * 20)
    assert low < 0.25 < high and high - low < 0.1
    assert ratio_interval([3], [4]) == (0.75, 0.75)
    assert all(math.isnan(bound) for bound in (*ratio_interval([], []), *ratio_interval([1], [0])))
