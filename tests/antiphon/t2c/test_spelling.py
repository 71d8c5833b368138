"""Characters and the tokens they come from."""

from __future__ import annotations

from antiphon.t2c.spelling import pieces_of, spell


def test_every_character_knows_its_token():
    form = spell(["I", " paid", " $", "5", "."])
    assert form.text == "I paid five dollars."
    assert form.text[form.tokens.index(1)] in " p"
    assert {form.tokens[i] for i in range(7, 11)} <= {2, 3}


def test_pieces_follow_offsets_and_share_no_character():
    assert pieces_of("a🙂b", [(0, 1), (1, 2), (1, 2), (2, 3)]) == ["a", "🙂", "", "b"]
