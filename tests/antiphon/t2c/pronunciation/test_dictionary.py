"""Looking up and putting in place: order, possessives, segments."""

from __future__ import annotations

import pytest
import torch
from tiny_t2c import SOUNDS, tiny_model

from antiphon.messages import Segment, Token
from antiphon.t2c.phonemes import PhonemeInventory
from antiphon.t2c.pronunciation.dictionary import (
    CONTEXT,
    LEXICON,
    OWN,
    Dictionary,
    Pronunciation,
    put,
)
from antiphon.t2c.pronunciation.lexicon import Lexicon
from antiphon.t2c.pronunciation.own_lexicon import OwnLexicon
from antiphon.t2c.pronunciation.pronounced_words import pronounced_words
from antiphon.t2c.spelling import Spelling, spell
from antiphon.t2c.trigger import BreathTrigger

ALL = (*SOUNDS, "l", "ˈiː", "d", "ˈɛ", "ɚ", "ɹ")
INVENTORY = PhonemeInventory(ALL)
WORDS = {"abba": (5, 6, 5), "baa": (6, 7), "don": (5,)}


@pytest.fixture
def dictionary(tmp_path):
    Lexicon.write(tmp_path / "l.marisa", WORDS.items(), INVENTORY)
    lexicon = Lexicon.load(tmp_path / "l.marisa", INVENTORY)
    return Dictionary(INVENTORY, lexicon, OwnLexicon({"SQL": (8, 8), "baa": (5, 5, 5)}))


def found(dictionary, text, before=""):
    form = spell([text])
    return [
        (form.text[each.start : each.end], each.sounds, each.origin)
        for each in dictionary.find(form, text, before)
    ]


def test_a_users_words_come_first_then_context_then_the_lexicon(dictionary):
    lead = (ALL.index("l"), ALL.index("ˈɛ"), ALL.index("d"))
    assert found(dictionary, "Abba: baa, lead pipes.") == [
        ("Abba", WORDS["abba"], LEXICON),
        ("baa", (5, 5, 5), OWN),
        ("lead", lead, CONTEXT),
    ]


def test_a_users_word_may_be_read_as_several(dictionary):
    assert found(dictionary, "an SQL server") == [("S Q L", (8, 8), OWN)]


def test_possessives_are_looked_up_and_contractions_are_not(dictionary):
    assert found(dictionary, "Abba's don't") == [("Abba", WORDS["abba"], LEXICON)]


def test_the_rest_of_a_word_is_no_word(dictionary):
    assert found(dictionary, "abba", before="s") == []
    apart = Spelling(" abba", (0, 1, 2, 3, 4), (0,) * 5)
    assert [each.start for each in dictionary.find(apart, " abba", "s")] == [1]


def test_known_sounds_take_the_place_of_the_pronouncers():
    known = [Pronunciation(2, 5, (7, 8, 9, 9), LEXICON)]
    sounds, owners = put(known, [1, 2, 3, 4], [0, 2, 4, 6], "abcdefg", INVENTORY)
    assert sounds == [1, 7, 8, 9, 9, 4] and owners == [0, 2, 2, 3, 4, 6]
    assert put(known, [], [], "abcdefg", INVENTORY) == ([7, 8, 9, 9], [2, 2, 3, 4])
    assert put([], [1], [0], "a", INVENTORY) == ([1], [0])


def said(known, phonemes, characters, text):
    sounds, owners = put(known, [ALL.index(p) for p in phonemes], characters, text, INVENTORY)
    return [ALL[sound] for sound in sounds], owners


def test_a_sound_that_came_from_the_space_after_a_known_word_goes_with_it():
    known = [Pronunciation(0, 2, (5, 6), LEXICON)]
    sounds, owners = said(known, ["a", "b", "b", " ", "a", "."], [0, 1, 2, 2, 3, 4], "ab a.")
    assert sounds == ["a", "b", " ", "a", "."] and owners == [0, 1, 2, 3, 4]
    assert said(known, ["a", "b", "d"], [0, 1, 3], "ab's")[0] == ["a", "b", "d"]


def test_a_known_word_is_linked_to_a_vowel():
    known = [Pronunciation(0, 2, (ALL.index("b"), ALL.index("ɚ")), LEXICON)]
    sounds, owners = said(known, ["b", " ", "ˈɛ", "d"], [0, 2, 3, 4], "br ed")
    assert sounds == ["b", "ɚ", "ɹ", " ", "ˈɛ", "d"] and owners == [0, 1, 1, 2, 3, 4]
    assert said(known, ["b", " ", "d"], [0, 2, 3], "br d")[0] == ["b", "ɚ", " ", "d"]
    assert said(known, ["b", ",", " ", "a"], [0, 2, 3, 4], "br, a")[0] == ["b", "ɚ", ",", " ", "a"]
    assert said(known, ["b"], [0], "br")[0] == ["b", "ɚ"]
    small = PhonemeInventory(tuple(sound for sound in ALL if sound != "ɹ"))
    assert len(put(known, [6, 2, 5], [0, 2, 3], "br a", small)[0]) == 4


def segments(text):
    pieces = [piece for piece in text.replace(" ", "| ").split("|") if piece]
    tokens = [Token(i % 50, piece, torch.zeros(12)) for i, piece in enumerate(pieces)]
    return BreathTrigger().cut(tokens)


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    model = tiny_model().eval()
    with torch.no_grad():
        model.voice.length_head.bias[0] = 100.0  # every sound lasts one unit
    Lexicon.write(tmp_path / "m.marisa", WORDS.items(), model.inventory)
    model.dictionary = Dictionary(
        model.inventory, Lexicon.load(tmp_path / "m.marisa", model.inventory)
    )
    return model


def test_a_word_sounds_the_same_streamed_and_whole(model):
    text = "We heard abba sing to baa and the others, and baa heard abba. Then abba left."
    whole = [Segment(tuple(t for s in segments(text) for t in s.tokens), final=True)]
    said = [
        [(w.text, w.phonemes) for w in pronounced_words(model, cut) if w.origin == LEXICON]
        for cut in (segments(text), whole)
    ]
    assert said[0] == said[1] and [w for w, _ in said[0]] == ["abba", "baa", "baa", "abba", "abba"]


def test_plans_hold_the_sounds_that_were_looked_up(model):
    ((segment),) = segments("Abba.")
    plan, _ = model.plan(segment, model.start())
    own = [s for clause in plan.clauses for s in clause.sounds]
    assert tuple(own[1:4]) == WORDS["abba"]


def test_two_thousand_names_in_a_row(model):
    state, units = model.start(), 0
    for segment in segments(" ".join(["Abba", "baa", "Qazvin", "O'Neill"] * 500)):
        plan, state = model.plan(segment, state)
        units += plan.units
        assert len(state.said) <= 80 and len(state.sounds) <= 40
    assert units >= 2000
