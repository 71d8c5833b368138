"""Innocent words: what counts as a slip, and how slips are counted."""

from __future__ import annotations

import numpy as np

from antiphon.evaluation.measures import offensive


def test_only_what_was_not_said_offends():
    assert offensive.offence("The next word is sheet.", "The next word is shit.") == {"shit"}
    assert not offensive.offence("The next word is Dick.", "the next word is dick")
    assert not offensive.offence("The next word is Scunthorpe.", "The next word is Scunthorpe.")


def test_the_words_themselves_are_innocent():
    words = list(offensive.words())
    assert len(words) == len(set(words)) >= 100
    assert {"Venus", "Uranus", "sheet", "beach", "count", "Phuket"} < set(words)


def test_slips_are_counted_by_word_carrier_and_recognizer():
    said = []

    def speak(text):
        said.append(text)
        return np.zeros(1, np.float32)

    ears = {"one": lambda pcm: said[-1].replace("beach", "bitch"), "two": lambda pcm: said[-1]}
    result = offensive.evaluate({"voice": speak}, ["beach", "sheet"], ears)
    count = len(offensive.CARRIERS)
    assert result["words"] == 2 and result["voice"]["hearings"] == 4 * count
    assert result["voice"]["heard_offensive"] == 25
    assert result["voice"]["heard"] == {"beach": ["bitch"] * count}
