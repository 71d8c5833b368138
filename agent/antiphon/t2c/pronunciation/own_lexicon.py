"""A user's own words: a text file, a word and how it is said on each line.

    # names of the house
    Siobhan   shiv-AWN        respelled; the stressed syllable in capitals
    Nguyen    /wɪn/           IPA
    SQL       sequel

A word in lower case stands for any case; one with capitals is found only as it is written. It is
looked up in the written text, so it may hold digits and signs: `C3PO`, `H2O`, `Dvořák`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from antiphon.errors import UserError
from antiphon.t2c.phonemes import STRESS, PhonemeInventory, group

log = logging.getLogger(__name__)

Read = Callable[[str], tuple[Sequence[int], Sequence[int]]]
"""Reads a spelling: ids of its sounds, and for each the index of its character."""

VOWELS = "aeiouæɐɑɔəɚɛɜɪʊʌᵻ"
WRITTEN_WORD = re.compile(r"\w(?:[\w'’.&+-]*\w)?")
_SAME = str.maketrans(
    {"g": "ɡ", "'": "ˈ", ",": "ˌ", "ɝ": "ɜ", "ɫ": "l", "ɒ": "ɑ", "ʤ": "dʒ", "ʧ": "tʃ", ".": None,
     "͡": None, "ʰ": None, "(": None, ")": None, " ": None}
)  # fmt: skip
_LONG = {"ɑ": "ɑː", "u": "uː", "ɜ": "ɜː"}


class OwnLexicon:
    """Words of a user with the ids of their sounds.

    Args:
        words: as the file writes them.
    """

    def __init__(self, words: dict[str, tuple[int, ...]]) -> None:
        self._words = words

    def __len__(self) -> int:
        return len(self._words)

    def spans(self, text: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Where its words stand in a written text: first and last character, and the sounds."""
        for match in WRITTEN_WORD.finditer(text):
            for end in (match.end(), match.start() + len(re.sub("['’]s$", "", match[0]))):
                word = text[match.start() : end]
                if sounds := self._words.get(word) or self._words.get(word.lower()):
                    yield match.start(), end, sounds
                    break

    @classmethod
    def read(cls, path: Path, inventory: PhonemeInventory, read: Read) -> OwnLexicon:
        """Read a file. A line that is wrong is named in a warning, and the others are used.

        Args:
            path: the file.
            inventory: sounds of the voice.
            read: the pronouncer, for respelled words.

        Raises:
            UserError: There is no such file, or it is no text.
        """
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"The lexicon {path} cannot be read ({error}): give a text file in UTF-8 with a "
                "word and its pronunciation on each line."
            ) from error
        words: dict[str, tuple[int, ...]] = {}
        for number, line in enumerate(lines, 1):
            line = re.sub(r"(^|\s)#.*", "", line).strip()
            if not line:
                continue
            try:
                word, sounds = _entry(line, inventory, read)
            except ValueError as error:
                log.warning("%s, line %d: %s. The line is left out.", path, number, error)
                continue
            words[word] = sounds
        return cls(words)


def _entry(line: str, inventory: PhonemeInventory, read: Read) -> tuple[str, tuple[int, ...]]:
    word, _, said = line.partition("\t") if "\t" in line else line.partition(" ")
    word, said = word.strip(), said.strip()
    if not WRITTEN_WORD.fullmatch(word):
        raise ValueError(f"'{word}' is no word")
    if not said:
        raise ValueError(f"'{word}' has no pronunciation behind it")
    ipa = re.fullmatch(r"[/\[](.+)[/\]]", said)
    return word, _ipa(ipa[1], inventory) if ipa else _respelled(said, inventory, read)


def _ipa(said: str, inventory: PhonemeInventory) -> tuple[int, ...]:
    found = []
    for sound in _on_vowels(group(list(said.translate(_SAME)))):
        id_ = inventory.find(sound)
        if id_ is None:
            raise ValueError(f"the voice has no sound '{sound}'")
        found.append(id_)
    return tuple(found)


def _on_vowels(sounds: Sequence[str]) -> list[str]:
    """Sounds with their stress on vowels: IPA marks syllables, the voice's teacher vowels.

    A word without a mark is stressed on its first vowel.
    """
    marked = any(sound[0] in STRESS for sound in sounds)
    stress = "" if marked else "ˈ"
    placed = []
    for sound in sounds:
        stress = sound[0] if sound[0] in STRESS else stress
        bare = sound.lstrip(STRESS)
        bare = _LONG.get(bare, bare)
        if bare and bare[0] in VOWELS:
            bare, stress = stress + bare, ""
        placed.append(bare)
    return [sound for sound in placed if sound]


def _respelled(said: str, inventory: PhonemeInventory, read: Read) -> tuple[int, ...]:
    if odd := re.search(r"[^A-Za-z' -]", said):
        raise ValueError(
            f"'{odd[0]}' is no letter: respell the word in English letters, or write /IPA/"
        )
    ids, characters = read(said.lower())
    sounds = [inventory.sounds[i] for i in ids]
    if said != said.lower() and said != said.upper():
        sounds = _stressed(sounds, [said[c].isupper() for c in characters])
    found = tuple(inventory.id(sound) for sound in sounds if sound.strip())
    if not found:
        raise ValueError(f"'{said}' cannot be pronounced")
    return found


def _stressed(sounds: Sequence[str], loud: Sequence[bool]) -> list[str]:
    """Sounds with the first stress on the first vowel that is loud, and nowhere else."""
    plain = [sound.replace("ˈ", "") for sound in sounds]
    for i, sound in enumerate(plain):
        if loud[i] and sound.strip(STRESS)[:1] in VOWELS and sound.strip():
            plain[i] = "ˈ" + sound.strip(STRESS)
            break
    return plain
