"""Phonemes grouped into sounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.t2c.phonemes import SPACE, PhonemeInventory, group


def test_marks_join_the_sound_they_belong_to():
    assert group(list("^ˈuːtˌaɪ n̩$")) == ["^", "ˈuː", "t", "ˌa", "ɪ", " ", "n̩", "$"]


@given(st.lists(st.sampled_from(list("^$ ˈˌːʲabuɪ̩,.")), max_size=30))
def test_grouping_loses_no_symbol(symbols):
    assert "".join(group(symbols)) == "".join(symbols)


def test_a_strange_sound_loses_its_marks_before_it_is_given_up():
    inventory = PhonemeInventory.of([["u", "a"]] * 3)
    assert inventory.id("ˈuː") == inventory.id("u")
    assert inventory.id("ʘ") == inventory.id(SPACE)
