"""What is said holds rare words, too, and no numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from antiphon.errors import UserError
from antiphon.training.corpora.hearing import english_texts as module
from antiphon.training.corpora.hearing.english_texts import EnglishTexts, dictionary_texts

USUAL = [("the", 5e-2), ("better", 1e-4), ("obelisk", 2e-6), ("3d", 1e-5), ("a", 3e-2)]


class Asked:
    """Questions of which every second one has a number."""

    def __init__(self, *_):
        self.drawn = 0

    def draw(self, rng):
        self.drawn += 1
        return "Is it 7?" if self.drawn % 2 else "Is it so?"


@pytest.fixture
def texts(monkeypatch):
    monkeypatch.setattr(module, "Questions", Asked)
    dictionary = ["It is used so."], ["What it means."]
    return EnglishTexts(Path(), ["This is a book."], USUAL, dictionary)


def test_all_kinds_are_drawn_and_none_has_a_number(texts):
    rng = np.random.default_rng(0)
    drawn = [texts.draw(rng) for _ in range(600)]
    kinds = Counter(text if text[-1] in "?." else "words" for text in drawn)
    assert abs(kinds["words"] / 600 - module.WORDS) < 0.06
    assert abs(kinds["This is a book."] / 600 - module.BOOK) < 0.05
    used, means = kinds["It is used so."], kinds["What it means."]
    assert abs((used + means) / 600 - module.DICTIONARY) < 0.06
    assert abs(used / (used + means) - module.USED) < 0.1
    assert not any(letter.isdigit() for text in drawn for letter in text)


def test_rare_words_are_said_often_enough(texts):
    rng = np.random.default_rng(1)
    drawn = [text for text in (texts.draw(rng) for _ in range(600)) if text[-1] not in "?."]
    said = Counter(word.lower() for text in drawn for word in text.split())
    assert set(said) == {"the", "better", "obelisk"}
    assert said["the"] > said["better"] > said["obelisk"] > 0.01 * said.total()
    assert all(module.FEWEST <= len(text.split()) <= module.MOST for text in drawn)


DATA = """  1 This is the licence, with "quotes" in it.
00001740 29 v 01 turn 0 000 | go round (of a wheel); move in a circle; "the wheel turned slowly"
00001741 29 v 01 move 0 000 | go; "it moved 3 feet"; "move it, will you?"
"""


def test_examples_and_meanings_of_a_dictionary_are_told_apart(tmp_path):
    (tmp_path / "data.verb").write_text(DATA)
    examples, meanings = dictionary_texts(tmp_path)
    assert examples == ["Move it, will you?", "The wheel turned slowly"]
    assert meanings == ["Move in a circle"]


def test_a_dictionary_that_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match="wordnet-base"):
        dictionary_texts(tmp_path)
