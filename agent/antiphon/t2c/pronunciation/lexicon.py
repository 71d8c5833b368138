"""A voice's lexicon: words that the pronouncer would say wrong, each with its sounds.

The file is a MARISA trie (Yata 2011) that is mapped into memory: nothing is read before a word is
looked up, and processes share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from antiphon.errors import UserError
from antiphon.t2c.phonemes import PhonemeInventory

INVENTORY = "\t"
"""Key of the sounds that the entries are numbered by; no word begins with it."""


class Lexicon:
    """Words and their sounds.

    Args:
        trie: a `marisa_trie.BytesTrie` of lower-case words.
    """

    def __init__(self, trie: Any) -> None:
        self._trie = trie

    def __len__(self) -> int:
        return len(self._trie) - 1

    def find(self, word: str) -> tuple[int, ...] | None:
        """Ids of the sounds of a word, whatever its case; None if it is not there."""
        found = self._trie.get(word.lower())
        return tuple(found[0]) if found else None

    @classmethod
    def load(cls, path: Path, inventory: PhonemeInventory) -> Lexicon:
        """Map the file that `write` wrote.

        Raises:
            UserError: It is no lexicon, or one of a voice with other sounds.
        """
        import marisa_trie

        trie = marisa_trie.BytesTrie()
        try:
            trie.mmap(str(path))
        except (OSError, RuntimeError) as error:
            raise UserError(f"{path} is no lexicon: make it with `antiphon train lexicon`.") from (
                error
            )
        if trie.get(INVENTORY) != [_key(inventory)]:
            raise UserError(
                f"{path} is for a voice with other sounds: make it again with "
                "`antiphon train lexicon`."
            )
        return cls(trie)

    @staticmethod
    def write(
        path: Path, entries: Iterable[tuple[str, Sequence[int]]], inventory: PhonemeInventory
    ) -> None:
        """Write a lexicon.

        Args:
            path: the file.
            entries: lower-case words with the ids of their sounds.
            inventory: the sounds.
        """
        import marisa_trie

        rows = ((word, bytes(sounds)) for word, sounds in entries)
        marisa_trie.BytesTrie([*rows, (INVENTORY, _key(inventory))]).save(str(path))


def _key(inventory: PhonemeInventory) -> bytes:
    return " ".join(inventory.sounds).encode()
