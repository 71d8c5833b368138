"""Characters and the tokens they come from."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from antiphon.t2c.spelling import pieces_of, spell, whole_words


def test_every_character_knows_its_token():
    form = spell(["I", " paid", " $", "5", "."])
    assert form.text == "I paid five dollars."
    assert form.text[form.tokens.index(1)] in " p"
    assert {form.tokens[i] for i in range(7, 11)} <= {2, 3}


def test_pieces_follow_offsets_and_share_no_character():
    assert pieces_of("a🙂b", [(0, 1), (1, 2), (1, 2), (2, 3)]) == ["a", "🙂", "", "b"]


def test_words_are_handed_on_once_they_are_complete():
    come = iter(["Good mor", "ning", " to", " you. ", "It", "is ", "late"])
    given_on = whole_words(come)
    assert (next(given_on), next(come)) == ("Good", "ning")
    assert list(given_on) == [" mor", " to you.", " Itis", " late"]


@given(st.lists(st.text(" \nab.", max_size=5)))
def test_no_character_of_a_text_is_lost_and_no_word_is_cut(pieces):
    words = list(whole_words(pieces))
    assert "".join(words) == "".join(pieces)
    cuts = pairwise(words)
    assert all(not before[-1].strip() or not after[0].strip() for before, after in cuts)
