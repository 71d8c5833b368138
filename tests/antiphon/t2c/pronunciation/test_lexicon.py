"""The voice's lexicon: found in any case, mapped, and for one inventory only."""

from __future__ import annotations

import pytest

from antiphon.errors import UserError
from antiphon.t2c.phonemes import PhonemeInventory
from antiphon.t2c.pronunciation.lexicon import Lexicon

INVENTORY = PhonemeInventory((" ", "a", "b", "ˈa"))


@pytest.fixture
def path(tmp_path):
    Lexicon.write(tmp_path / "l.marisa", [("abba", (3, 2, 2, 1)), ("baa", (2, 3))], INVENTORY)
    return tmp_path / "l.marisa"


def test_words_are_found_in_any_case(path):
    lexicon = Lexicon.load(path, INVENTORY)
    assert len(lexicon) == 2
    assert lexicon.find("Abba") == lexicon.find("ABBA") == (3, 2, 2, 1)
    assert lexicon.find("ab") is None and lexicon.find("") is None


def test_a_lexicon_of_other_sounds_is_refused(path):
    with pytest.raises(UserError, match="other sounds"):
        Lexicon.load(path, PhonemeInventory((" ", "a")))


def test_a_damaged_file_is_one_sentence(tmp_path):
    (tmp_path / "l.marisa").write_bytes(b"no trie at all")
    with pytest.raises(UserError, match="no lexicon"):
        Lexicon.load(tmp_path / "l.marisa", INVENTORY)
    with pytest.raises(UserError, match="no lexicon"):
        Lexicon.load(tmp_path / "missing", INVENTORY)
