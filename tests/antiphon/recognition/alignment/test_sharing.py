"""Words of a text belong to the parts of a recording in which they are said."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.recognition.alignment.sharing import REACH, Border, borders, fits


def likely(heard, text, lengths=None):
    words = text.split()
    found = borders(heard, lengths or [1] * len(heard), words)
    cuts = [0, *(border.likely for border in found), len(words)]
    return [" ".join(words[a:b]) for a, b in pairwise(cuts)]


def test_words_are_where_they_were_heard():
    heard = ["Printing, in the only", "sense! with which", "we are at present concerned"]
    text = "printing in the only sense with which we are at present concerned"
    assert likely(heard, text) == [
        "printing in the only", "sense with which", "we are at present concerned"
    ]  # fmt: skip


def test_a_sentence_that_is_said_again_is_where_it_was_said():
    said = "the date was nearly eighteen years old"
    heard = [f"{said} {said}".replace("eighteen", "18"), "wine and beer", said]
    assert likely(heard, f"{said} {said} wine and beer {said}") == [
        f"{said} {said}", "wine and beer", said
    ]  # fmt: skip


def test_words_that_were_misheard_are_shared_by_the_lengths_of_the_parts():
    numbers = "two six four eight seven three four two nine nine nine nine"
    heard = ["mark is here", "2648", "7342", "2.999", "thank you very much"]
    text = f"mark is here {numbers} thank you very much"
    assert likely(heard, text, [30, 40, 40, 40, 40]) == [
        "mark is here", "two six four eight", "seven three four two", "nine nine nine nine",
        "thank you very much",
    ]  # fmt: skip


def test_a_border_is_sure_only_between_words_that_were_heard():
    heard = ["they sail today", "the sea is calm"]
    sure = borders(heard, [3, 4], [*heard[0].split(), *heard[1].split()])
    assert sure == [Border(3, 3, 3)]
    (border,) = borders(
        heard, [3, 4], ["they", "sail", "at", "dawn", "then", "the", "sea", "is", "calm"]
    )
    assert (border.least, border.most) == (2, 5)


def test_a_word_is_not_sure_that_may_be_the_same_one_before():
    heard = ["this is enough", "there were two people"]
    text = "this is enough there might be a way there were two people"
    (border,) = borders(heard, [8, 4], text.split())
    assert (border.least, border.likely, border.most) == (3, 8, 9)
    (border,) = borders(["they left early", "two"], [3, 4], ["they", "left", "two", "or", "two"])
    assert border.places == range(2, 6)


@pytest.mark.parametrize("true", [0, 1, 2, 3])
def test_words_fit_best_on_either_side_of_where_they_are_said(true):
    before = [0.9 if i < true else 0.1 for i in range(3)]
    after = [0.1 if i < true else 0.9 for i in range(3)]
    scores = fits(before, after)
    assert max(range(4), key=scores.__getitem__) == true


def test_what_no_aligner_is_sure_of_decides_nothing():
    assert fits([None, 0.0], [None, 0.001]) == pytest.approx([math.log(0.01)] * 3)


TEXTS = st.lists(st.lists(st.sampled_from("abcd"), max_size=5).map(" ".join), min_size=1)


@given(TEXTS, st.lists(st.sampled_from("abcd"), max_size=20), st.data())
def test_borders_are_in_order_and_within_the_text(heard, words, data):
    length = st.integers(0, 50)
    lengths = data.draw(st.lists(length, min_size=len(heard), max_size=len(heard)))
    found = borders(heard, lengths, words)
    assert len(found) == len(heard) - 1
    for border in found:
        assert 0 <= border.least <= border.likely <= border.most <= len(words)
        near = border.near
        assert border.least <= near.least <= near.likely <= near.most <= border.most
        assert len(near.places) <= 2 * REACH + 1
    assert all(a.likely <= b.likely for a, b in pairwise(found))


def test_a_part_that_the_text_has_otherwise_moves_no_other_border():
    heard = [" ".join(f"word{i * 20 + k}" for k in range(20)) for i in range(500)]
    words = [word for part in heard for word in part.split()]
    words[3000:3500] = ["other"] * 900
    found = borders(heard, [20] * len(heard), words)
    assert found[100].likely == 2020 and found[400].likely == 8020 + 400
    assert found[100].least == found[100].most and 3000 <= found[160].likely <= 3900
