"""Of texts that sound alike the one of usual words is better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.recognition.qwen3_asr.writing import known_words as module
from antiphon.recognition.qwen3_asr.writing.known_words import KnownWords, load, write

ENGLISH = [("better", 1e-4), ("bet", 1e-5), ("the", 5e-2), ("e-mail", 1e-5), ("Bit", 1e-5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("words")
    write(found / module.FILE, {"English": ENGLISH, "German": [("besser", 1e-4)]})
    return found


@pytest.fixture(scope="module")
def words(folder):
    return KnownWords(load(folder), "English")


def test_a_usual_word_is_better_than_one_that_nobody_knows(words):
    assert words.worth("The better", ended=True) > words.worth("The retter", ended=True)
    assert words.worth("the better", ended=True) > words.worth("the bet", ended=True)


def test_an_unfinished_word_is_worth_what_it_may_become(words):
    assert words.worth("The bett") == words.worth("The better")
    assert words.worth("The bett", ended=True) < words.worth("The bett")
    assert words.worth("The bett ") == words.worth("The bett", ended=True)


def test_case_and_punctuation_do_not_count(words):
    assert words.worth("The, better!", ended=True) == words.worth("the better", ended=True)
    assert words.worth("bit", ended=True) == words.worth("BIT", ended=True)


def test_a_word_of_the_context_is_no_unknown_one(words):
    alone, listed = (
        words.worth("the zarathustra", ended=True, besides=known) for known in ((), {"zarathustra"})
    )
    assert alone < listed < words.worth("the bet", ended=True)
    assert words.worth("the bet", besides={"the", "bet"}) == words.worth("the bet")


def test_each_language_has_words_of_its_own(folder, words):
    german = KnownWords(load(folder), "German")
    assert german.worth("besser", ended=True) > words.worth("besser", ended=True)


def test_a_language_or_model_without_words_prefers_no_text(folder, tmp_path):
    for found in (KnownWords(load(folder), "Welsh"), KnownWords(load(tmp_path), "English")):
        assert found.worth("qqq") == found.worth("the better", ended=True) == 0.0


@given(st.text(max_size=40))
def test_any_text_has_a_worth_that_its_end_cannot_raise(words, text):
    assert words.worth(text, ended=True) <= words.worth(text)


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / module.FILE).write_bytes(b"no trie")
    with pytest.raises(UserError, match="holds no words"):
        load(tmp_path)
