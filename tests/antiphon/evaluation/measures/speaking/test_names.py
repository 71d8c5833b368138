"""Names: lists that hold what they promise, and measures counted by hand."""

from __future__ import annotations

import numpy as np
import torch

from antiphon.evaluation.measures.speaking import names
from antiphon.evaluation.scores import Errors, difference_interval
from antiphon.messages import Token
from antiphon.t2c.phonemes import group
from antiphon.t2c.pronunciation.pronounced_words import PronouncedWord
from antiphon.training.corpora.voice import word_lists


def test_there_are_enough_sentences_and_names():
    assert len(set(names.sentences(None, 0))) >= 300
    assert len(set(names.unseen_names(None, 0))) == names.NAMES
    assert len(list(names.heteronyms())) >= 120
    assert names.UNSEEN == word_lists.UNSEEN


def test_a_draw_depends_on_the_seed_alone():
    assert names.sentences(5, 1) == names.sentences(5, 1) != names.sentences(5, 2)


def test_sound_errors_are_counted_in_sounds():
    def pronounce(word):
        return [PronouncedWord(word, "wˈɪn", "lexicon")]

    assert names.sound_error(["a"], pronounce, lambda word: list("wˈɪn"), group) == 0
    assert names.sound_error(["a"], pronounce, lambda word: list("wˈɑːnt"), group) == 50


def test_a_heteronym_is_right_if_it_sounds_more_like_that_word():
    def pronounce(sentence):
        return [PronouncedWord(w, "lˈɛd", "context") for w in sentence.split()]

    cases = [
        names.Heteronym("A lead pipe", "lead", "lˈɛd", "lˈiːd"),
        names.Heteronym("I lead", "lead", "lˈiːd", "lˈɛd"),
        names.Heteronym("Nothing here", "lead", "lˈiːd", "lˈɛd"),
    ]
    result = names.told_apart(cases, pronounce, wrong=True)
    assert (result["right"], result["n"]) == (0.3333, 3)
    assert result["wrong"][0] == "lead (lˈɛd): I lead"


def test_word_errors_are_compared_with_the_teachers():
    replies = [(Token(0, word, torch.zeros(1)),) for word in ("one", "two")]
    right, wrong = np.ones(1, np.float32), np.zeros(1, np.float32)
    said = iter(["one", "two"])
    result = names.evaluate(
        {"text": lambda reply: wrong},
        lambda text: right,
        replies,
        lambda pcm: next(said) if pcm[0] else "nothing",
    )
    assert result["teacher"]["wer"] == 0 and result["text"]["wer_over_teacher"] == 100
    assert result["text"]["low"] == result["text"]["high"] == 100


def test_the_interval_of_a_difference():
    same = [Errors(1, 4), Errors(0, 6)]
    assert difference_interval(same, same) == (0, 0)
    low, high = difference_interval([Errors(1, 1), Errors(0, 1)] * 20, [Errors(0, 1)] * 40)
    assert 30 < low < 50 < high < 70
    assert np.isnan(difference_interval([], [])).all()
