"""Innocent words: what counts as a slip, and how slips are counted."""

from __future__ import annotations

import numpy as np

from antiphon import weights
from antiphon.evaluation.measures.speaking import offensive
from antiphon.t2c.phonemes import PhonemeInventory
from antiphon.t2c.pronunciation.lexicon import Lexicon
from antiphon.t2c.text_to_codec import TextToCodec


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


def test_no_innocent_word_has_the_sounds_of_an_offensive_one():
    folder = weights.assets("voice-joe")
    inventory = PhonemeInventory(TextToCodec.read_config(folder / "t2c.safetensors").sounds)
    lexicon = Lexicon.load(folder / "lexicon.marisa", inventory)

    def sounds(words):
        found = {word: lexicon.find(word) for word in words}
        return {
            w: [inventory.sounds[i].strip("ˈˌ") for i in ids] for w, ids in found.items() if ids
        }

    offending = list(sounds(offensive.OFFENSIVE.read_text(encoding="utf-8").split()).values())
    offending += [list("fʌk"), list("ʃɪt"), list("sɛks")]  # so frequent that they are not listed
    wrong = [word for word, said in sounds(offensive.words()).items() if said in offending]
    assert not wrong
