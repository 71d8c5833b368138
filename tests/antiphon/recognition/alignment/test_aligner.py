"""Words of a text are placed in order, whatever is said, and a wrong text is noticed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fake_recognizer import RATE, LevelRecognizer, LoudSilero, sound
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.recognition.alignment.aligner import LongAligner, repaired
from antiphon.recognition.segmentation import Segmenter
from antiphon.recognition.transcript import Word


class LevelAligner:
    """Hears levels as digits; spreads words evenly, sure of those it hears."""

    name, longest = "level", LevelRecognizer.longest
    languages: tuple[str, ...] = ()

    def hear(self, pcm, language):
        heard = LevelRecognizer().finish(pcm).text.split()
        return " ".join(dict.fromkeys(heard))

    def place(self, pcm, words, language):
        heard, step = self.hear(pcm, language), len(pcm) // len(words)
        return [
            Word(word, i * step, (i + 1) * step, 0.9 if word in heard else 0.01)
            for i, word in enumerate(words)
        ]


@pytest.fixture
def aligner():
    silero: Any = LoudSilero()
    return LongAligner(LevelAligner(), Segmenter(LevelAligner.longest, silero))


TALK = sound((1, 0), (1, 0.35), (3, 0), (1, 0.55), (3, 0), (1, 0.75), (1, 0))


def test_words_go_where_they_are_heard(aligner):
    found = aligner.align(TALK, "three five seven")
    middles = [(w.start + w.end) / 2 / RATE for w in found.words]
    assert middles == pytest.approx([1.5, 5.5, 9.5], abs=0.3)
    assert found.fits_until is None and found.confidence == pytest.approx(0.9)


def test_a_word_nobody_says_moves_its_neighbours_only(aligner):
    found = aligner.align(TALK, "three five nine seven")
    by_text = {w.text: w.start / RATE for w in found.words}
    assert by_text["three"] < 2.5 < by_text["five"] < 6.5 < by_text["seven"]
    assert len(found.words) == 4


def test_a_text_that_is_not_what_is_said_is_noticed(aligner):
    wrong = "three five " + " ".join(["nothing"] * 20)
    assert aligner.align(TALK, wrong).fits_until == 2


class MishearingAligner(LevelAligner):
    """Writes what it hears in other words, but knows the true ones when it is shown them."""

    def hear(self, pcm, language):
        return "?"

    def place(self, pcm, words, language):
        heard, step = super().hear(pcm, language), len(pcm) // max(1, len(words))
        return [
            Word(word, i * step, (i + 1) * step, 0.9 if word in heard else 0.01)
            for i, word in enumerate(words)
        ]


class JudgingAligner(MishearingAligner):
    """Places every word alike, and knows only which texts are likely."""

    def place(self, pcm, words, language):
        return [replace(word, confidence=0.5) for word in super().place(pcm, words, language)]

    def judge(self, pcm, texts, language, *, ended=True):
        heard = LevelAligner.hear(self, pcm, language)
        return [sum(-1.0 if word in heard else -9.0 for word in text) for text in texts]


@pytest.mark.parametrize("kind", [MishearingAligner, JudgingAligner])
def test_words_that_were_misheard_go_where_they_fit(aligner, kind):
    aligner.inner = kind()
    words = aligner.align(TALK, "three five five five seven").words
    middles = [(w.start + w.end) / 2 / RATE for w in words]
    assert middles[0] < 2.5 < middles[1] < middles[3] < 6.5 < middles[4]


@pytest.mark.parametrize("kind", [MishearingAligner, JudgingAligner])
def test_a_border_may_be_far_from_where_the_room_would_have_it(aligner, kind):
    aligner.inner = kind()
    words = aligner.align(TALK, " ".join(["three", *["five"] * 40, "seven"])).words
    starts = [word.start / RATE for word in words]
    assert starts[0] < 2.5 < starts[1] < starts[40] < 6.5 < starts[41]


def test_there_must_be_a_text_and_a_voice(aligner):
    with pytest.raises(UserError, match="text to align is empty"):
        aligner.align(TALK, "  ")
    with pytest.raises(UserError, match="Nobody speaks"):
        aligner.align(np.zeros(RATE, np.float32), "hello")


@given(st.lists(st.tuples(st.integers(-50, 40_000), st.integers(-50, 40_000)), max_size=30))
def test_repaired_words_are_in_order_and_have_a_length(times):
    found = repaired([Word("w", *each) for each in times], 32_000)
    assert all(w.start < w.end for w in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert not found or (found[0].start >= 0 and found[-1].end <= 32_000)
