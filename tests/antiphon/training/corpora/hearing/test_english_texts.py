"""What is said holds rare words, too, and no numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from antiphon.training.corpora.hearing import english_texts as module
from antiphon.training.corpora.hearing.english_texts import EnglishTexts

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
    return EnglishTexts(Path(), ["This is a book."], USUAL)


def test_all_kinds_are_drawn_and_none_has_a_number(texts):
    rng = np.random.default_rng(0)
    drawn = [texts.draw(rng) for _ in range(600)]
    kinds = Counter(text if text in {"Is it so?", "This is a book."} else "words" for text in drawn)
    assert abs(kinds["words"] / 600 - module.WORDS) < 0.06
    assert abs(kinds["This is a book."] / 600 - module.BOOK) < 0.05
    assert not any(letter.isdigit() for text in drawn for letter in text)


def test_rare_words_are_said_often_enough(texts):
    rng = np.random.default_rng(1)
    drawn = [text for text in (texts.draw(rng) for _ in range(600)) if text[-1] not in "?."]
    said = Counter(word.lower() for text in drawn for word in text.split())
    assert set(said) == {"the", "better", "obelisk"}
    assert said["the"] > said["better"] > said["obelisk"] > 0.01 * said.total()
    assert all(module.FEWEST <= len(text.split()) <= module.MOST for text in drawn)
