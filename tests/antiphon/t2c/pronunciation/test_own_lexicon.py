"""A user's own words: IPA or respelled, wrong lines named, the others used."""

from __future__ import annotations

import logging

import pytest

from antiphon.errors import UserError
from antiphon.t2c.phonemes import PhonemeInventory
from antiphon.t2c.pronunciation.own_lexicon import OwnLexicon

SOUNDS = (" ", "w", "ɪ", "ˈɪ", "n", "ʃ", "v", "ɔː", "ˈɔː", "ɑː", "ˈɑː", "ɡ", "t", "ʒ", "d")
INVENTORY = PhonemeInventory(SOUNDS)


def read(spelling):
    """Every letter is a sound of its own, as far as there is one."""
    sounds = {"a": "ɔː", "i": "ˈɪ", "w": "w", "n": "n", "v": "v", "h": "ʃ"}
    found = [(INVENTORY.id(sounds[c]), i) for i, c in enumerate(spelling) if c in sounds]
    return [id_ for id_, _ in found], [i for _, i in found]


def words(tmp_path, text):
    path = tmp_path / "own.txt"
    path.write_text(text, encoding="utf-8")
    return OwnLexicon.read(path, INVENTORY, read)


def said(lexicon, text):
    return [
        (text[a:b], "".join(INVENTORY.sounds[s] for s in sounds))
        for a, b, sounds in lexicon.spans(text)
    ]


def test_ipa_and_respelled_words(tmp_path):
    lexicon = words(tmp_path, "# mine\nNguyen\t/wɪn/\nSiobhan hiv-AWN  # a friend\n")
    assert said(lexicon, "Ask Nguyen's friend Siobhan.") == [
        ("Nguyen", "wˈɪn"),
        ("Siobhan", "ʃɪvˈɔːwn"),
    ]


def test_ipa_is_written_in_many_ways(tmp_path):
    lexicon = words(tmp_path, "a1 /ˈwɒn/\nb1 [gɑn]\nc1 /w'ɔːn/\n")
    assert said(lexicon, "a1 b1 c1") == [("a1", "wˈɑːn"), ("b1", "ɡˈɑːn"), ("c1", "wˈɔːn")]


def test_lower_case_stands_for_any_case_and_capitals_for_themselves(tmp_path):
    lexicon = words(tmp_path, "win /wɪn/\nWAN /wɔːn/\n")
    assert [w for w, _ in said(lexicon, "Win win WIN wan WAN")] == ["Win", "win", "WIN", "WAN"]


def test_words_with_digits_and_accents(tmp_path):
    lexicon = words(tmp_path, "C3PO /wɪn/\nDvořák /vɔːn/\n")
    assert [w for w, _ in said(lexicon, "C3PO heard Dvořák, C3POs did not")] == ["C3PO", "Dvořák"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("alone", "no pronunciation"),
        ("! /wɪn/", "no word"),
        ("xi /ʙɪ/", "'ʙ'"),
        ("xi ?", "no letter"),
        ("xi zzz", "cannot be pronounced"),
        ("xi //", "no letter"),
    ],
)
def test_a_wrong_line_is_named_and_the_rest_used(tmp_path, caplog, line, why):
    with caplog.at_level(logging.WARNING):
        lexicon = words(tmp_path, f"win /wɪn/\n{line}\nwan /wɔːn/\n")
    (record,) = caplog.records
    assert "line 2" in record.message and why in record.message
    assert [w for w, _ in said(lexicon, "win wan xi alone")] == ["win", "wan"]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        OwnLexicon.read(tmp_path / "none.txt", INVENTORY, read)
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(UserError, match="cannot be read"):
        OwnLexicon.read(tmp_path / "b", INVENTORY, read)
