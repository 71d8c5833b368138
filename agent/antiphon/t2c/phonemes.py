"""Sounds: the teacher's phoneme symbols grouped so that each can be pronounced.

A stress mark, a vowel and its length mark are three symbols to the teacher but one sound here
("ˈ", "u", "ː" -> "ˈuː"): fewer steps, and a sound's length is something one can hear.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

BEGIN, END, SPACE = "^", "$", " "
PAUSES = ",.:;!?"
SENTENCE_ENDS = ".!?"
STRESS = "ˈˌ"
MODIFIERS = "ːˑʲ˞ʰˤ"


def group(symbols: Sequence[str]) -> list[str]:
    """Group phoneme symbols into sounds: stress marks lead, length marks and accents follow."""
    starts = boundaries(symbols)
    return ["".join(symbols[a:b]) for a, b in pairwise([*starts, len(symbols)])]


def boundaries(symbols: Sequence[str]) -> list[int]:
    """Index of the first symbol of every sound."""
    return [
        i
        for i, symbol in enumerate(symbols)
        if i == 0
        or not (
            symbol in MODIFIERS
            or unicodedata.combining(symbol)
            or (symbols[i - 1] in STRESS and symbol not in STRESS)
        )
    ]


@dataclass(frozen=True)
class PhonemeInventory:
    """The sounds a voice can make."""

    sounds: tuple[str, ...]
    """In order of their ids."""

    @classmethod
    def of(cls, sequences: Iterable[Sequence[str]], least: int = 3) -> PhonemeInventory:
        """Every sound that occurs at least `least` times."""
        counts: dict[str, int] = {}
        for sequence in sequences:
            for sound in sequence:
                counts[sound] = counts.get(sound, 0) + 1
        always = {BEGIN, END, SPACE, *PAUSES}
        return cls(tuple(sorted(always | {s for s, n in counts.items() if n >= least})))

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {s: i for i, s in enumerate(self.sounds)})

    def __len__(self) -> int:
        return len(self.sounds)

    def id(self, sound: str) -> int:
        """Id of a sound; one that is not known loses its marks until it is, or becomes a space."""
        found = self.find(sound)
        return self.find(SPACE) or 0 if found is None else found

    def find(self, sound: str) -> int | None:
        """Id of a sound, without its marks if need be; None if the voice has not even that."""
        ids: dict[str, int] = self.__dict__["_ids"]
        while sound and sound not in ids:
            sound = sound[1:] if sound[0] in STRESS else sound[:-1]
        return ids[sound] if sound else None

    def ids(self, sounds: Iterable[str]) -> list[int]:
        """Ids of sounds."""
        return [self.id(sound) for sound in sounds]
