"""Texts are better by the entries of a context that they hold, and by nothing else."""

from __future__ import annotations

import pytest

from antiphon.recognition.qwen3_asr.writing import context_words as module
from antiphon.recognition.qwen3_asr.writing.context_words import ContextWords


@pytest.fixture
def worth(tiny_tokenizer):
    words = ContextWords(["Da Vinci", "Vincent", "Rho"], tiny_tokenizer)
    return lambda text, **more: words.worth(text, **more) / module.WORTH


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("I met", 0),
        ("I met Da V", 4),
        ("I met da Vinci", 8),
        ("I met da Vinci, who", 8),
        ("I met da Vixen ", 0),
        ("I met da Vinci and Vincen", 14),
        ("Vincent", 7),
        ("Rho", 0),
        ("", 0),
    ],
)
def test_what_is_begun_counts_until_it_goes_on_otherwise(worth, text, letters):
    assert worth(text) == letters


def test_an_ended_text_holds_whole_entries_alone(worth):
    assert worth("I met da Vinci.", ended=True) == 8
    assert worth("I met da Vinc", ended=True) == 0


def test_a_hyphen_parts_words_in_entry_and_text_alike(tiny_tokenizer):
    words = ContextWords(["Jean-Luc"], tiny_tokenizer)
    for text in ("Ask Jean-Luc.", "Ask jean luc"):
        assert words.worth(text, ended=True) == 8 * module.WORTH


def test_an_entry_counts_once(worth):
    assert worth("Vincent, Vincent and Vincent", ended=True) == 7


def test_no_context_is_worth_nothing(tiny_tokenizer):
    words = ContextWords((), tiny_tokenizer)
    assert (words.worth("da Vinci"), words.tokens) == (0.0, set())


def test_all_of_which_entries_are_made_is_offered(tiny_tokenizer):
    words = ContextWords(["Adam!"], tiny_tokenizer)
    assert {*tiny_tokenizer.encode("Adam adam", add_special_tokens=False)} <= words.tokens
