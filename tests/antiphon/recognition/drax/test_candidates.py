from __future__ import annotations

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.recognition.drax.candidates import choose, distance

TEXTS = ["the cat sat", "a cat sat", "the cat sat down", "dogs", "dogs"]
SURE = [-1.0, -0.1, -0.5, -2.0, -2.0]
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8)


def test_mode_takes_the_commonest_and_mbr_the_one_nearest_to_all():
    assert TEXTS[choose(TEXTS, SURE, "mode")] == "dogs"
    assert TEXTS[choose(TEXTS[:3], SURE, "mbr")] == "the cat sat"


def test_a_scorer_decides_and_is_asked_once_a_text():
    asked = []

    def score(text):
        asked.append(text)
        return -len(text)

    assert TEXTS[choose(TEXTS, SURE, "whisper", score)] == "dogs"
    assert sorted(asked) == sorted(set(TEXTS))


def test_a_way_that_is_not_there():
    with pytest.raises(UserError, match="mode, mbr, whisper"):
        choose(TEXTS, SURE, "luck")
    with pytest.raises(UserError, match="no Whisper"):
        choose(TEXTS, SURE, "whisper")


@given(WORDS.filter(bool), WORDS)
def test_distances_are_jiwers(said, heard):
    found = jiwer.process_words(" ".join(said), " ".join(heard))
    assert distance(heard, said) == found.substitutions + found.deletions + found.insertions
