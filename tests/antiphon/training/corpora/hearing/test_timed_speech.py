"""The times of synthetic words are where they sound."""

from __future__ import annotations

import shutil
from itertools import pairwise

import numpy as np
import pytest

from antiphon.errors import UserError
from antiphon.training.corpora.hearing.timed_speech import plain, shares, timed_voice

TEXT = "Two red boats, and a tall ship."


@pytest.mark.parametrize(
    ("voice", "program"),
    [("flite:rms", "flite"), ("festival:voice_cmu_us_slt_arctic_hts", "festival")],
)
def test_words_are_where_they_sound(voice, program):
    if shutil.which(program) is None:
        pytest.skip(f"needs the Debian package {program}")
    said = timed_voice(voice)(TEXT)
    assert said is not None
    assert [word.text for word in said.words] == TEXT.split()
    for word in said.words:
        assert 0.03 * 16_000 < word.end - word.start < 16_000
    for before, after in pairwise(said.words):
        assert before.end <= after.start
    loud = np.abs(said.pcm)
    inside = np.concatenate([loud[word.start : word.end] for word in said.words])
    outside = [loud[: said.words[0].start], loud[said.words[-1].end :]]
    outside += [loud[a.end : b.start] for a, b in pairwise(said.words)]
    assert inside.mean() > 5 * np.concatenate(outside).mean()


def test_phones_that_change_in_a_sentence_stay_with_their_word():
    spoken = ["dh", "iy", "ae", "p", "ax", "l", "z", "dx", "uw", "f", "ao", "l"]
    alone = [["dh", "ax"], ["ae", "p", "ax", "l", "z"], ["t", "uw"], ["f", "ao", "l"]]
    assert shares(spoken, alone) == [0, 2, 7, 9, 12]


def test_other_words_than_are_written_have_no_times():
    assert shares(["t", "uw"], [["w", "ah", "n"], ["th", "r", "iy"]]) is None


@pytest.mark.parametrize(("text", "fits"), [("Come in, please.", True), ("At 5 pm.", False)])
def test_texts_with_numbers_are_not_said_as_they_are_written(text, fits):
    assert plain(text) is fits


def test_a_voice_without_times_is_refused():
    with pytest.raises(UserError, match="espeak"):
        timed_voice("espeak:en-us")
