"""What is known of words before the pronouncer is asked: a user's, by context, of the lexicon."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from antiphon.t2c.phonemes import PAUSES, SPACE, STRESS, PhonemeInventory, group
from antiphon.t2c.pronunciation import heteronyms
from antiphon.t2c.pronunciation.lexicon import Lexicon
from antiphon.t2c.pronunciation.own_lexicon import OwnLexicon, Read
from antiphon.t2c.spelling import Spelling

OWN, CONTEXT, LEXICON, PRONOUNCER = "own lexicon", "context", "lexicon", "pronouncer"
"""Where a pronunciation comes from."""

R, R_COLORED, VOWELS = "ɹ", ("ɚ", "ɜː"), "aeiouæɐɑɔəɚɛɜɪʊʌᵻ"
"""The sound that links a vowel with its colour to a vowel of the next word."""

_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")


@dataclass(frozen=True)
class Pronunciation:
    """How a run of characters of a spoken form is said."""

    start: int
    """First character."""
    end: int
    """One past the last."""
    sounds: tuple[int, ...]
    origin: str


class Dictionary:
    """Pronunciations that are looked up, in this order: a user's, by context, of the lexicon.

    Args:
        inventory: sounds of the voice.
        lexicon: of the voice; None: it has none.
        own: a user's words.
    """

    def __init__(
        self,
        inventory: PhonemeInventory,
        lexicon: Lexicon | None = None,
        own: OwnLexicon | None = None,
    ) -> None:
        self.inventory, self.lexicon, self.own = inventory, lexicon, own
        self.by_context = heteronyms_of(inventory)

    def with_own(self, path: Path, read: Read) -> Dictionary:
        """The same with a user's words (`OwnLexicon.read`)."""
        own = OwnLexicon.read(path, self.inventory, read)
        return Dictionary(self.inventory, self.lexicon, own)

    def find(self, form: Spelling, written: str, before: str = "") -> list[Pronunciation]:
        """What is known of a spelling, in order and without overlap.

        Args:
            form: the spelling.
            written: the text that `form.written` counts in.
            before: what was said before it.
        """
        own = list(self._own(form, written))
        taken = {c for each in own for c in range(each.start, each.end)}
        found = own
        for match in _WORD.finditer(form.text):
            goes_on = match.start() == 0 and before[-1:].isalpha()
            if match.start() in taken or goes_on:
                continue
            if each := self._looked_up(match, form.text, before):
                found.append(each)
        return sorted(found, key=lambda each: each.start)

    def _own(self, form: Spelling, written: str) -> Iterator[Pronunciation]:
        if not self.own or not form.text:
            return
        for start, end, sounds in self.own.spans(written):
            mine = [
                i
                for i, (at, c) in enumerate(zip(form.written, form.text, strict=True))
                if start <= at < end and c.isalpha()
            ]
            if mine:
                yield Pronunciation(mine[0], mine[-1] + 1, sounds, OWN)

    def _looked_up(self, match: re.Match[str], text: str, before: str) -> Pronunciation | None:
        word = match[0].removesuffix("'s")  # the pronouncer says that of any name
        start, end = match.start(), match.start() + len(word)
        if entry := self.by_context.get(word.lower()):
            chosen = heteronyms.choose(text, start, end, before)
            return Pronunciation(start, end, entry[chosen or ""], CONTEXT) if chosen else None
        sounds = self.lexicon.find(word) if self.lexicon and len(word) > 1 else None
        return Pronunciation(start, end, sounds, LEXICON) if sounds else None


def heteronyms_of(inventory: PhonemeInventory) -> dict[str, dict[str, tuple[int, ...]]]:
    """Every heteronym with its phonemes and their ids, as far as the voice has the sounds."""
    found = {}
    for word, (_, *said) in heteronyms.table().items():
        phonemes = [each for each in said if each != "-"]
        ids = {each: [inventory.find(s) for s in group(each)] for each in phonemes}
        if all(id_ is not None for row in ids.values() for id_ in row):
            found[word] = {
                each: tuple(id_ for id_ in row if id_ is not None) for each, row in ids.items()
            }
    return found


def put(
    known: Sequence[Pronunciation],
    sounds: Sequence[int],
    characters: Sequence[int],
    text: str,
    inventory: PhonemeInventory,
) -> tuple[list[int], list[int]]:
    """What the pronouncer said, with what is known in its place, linked to what follows.

    Args:
        known: in order, without overlap.
        sounds: of the pronouncer.
        characters: for each sound, the character it came from; never decreasing.
        text: the characters.
        inventory: sounds of the voice.

    Returns:
        Sounds and their characters; those that are known spread evenly over their word.
    """
    breaks = {inventory.id(each) for each in (SPACE, *PAUSES)}
    out: list[int] = []
    owners: list[int] = []
    at = 0
    for each in known:
        while at < len(sounds) and characters[at] < each.start:
            out.append(sounds[at])
            owners.append(characters[at])
            at += 1
        while at < len(sounds) and (
            characters[at] < each.end
            # The last sound of a word may come from the space or the stop after it.
            or (sounds[at] not in breaks and text[characters[at]] in f" {PAUSES}")
        ):
            at += 1
        width = each.end - each.start
        out += each.sounds
        owners += [each.start + i * width // len(each.sounds) for i in range(len(each.sounds))]
    out += sounds[at:]
    owners += characters[at:]
    return linked(out, owners, inventory)


def linked(
    sounds: Sequence[int], characters: Sequence[int], inventory: PhonemeInventory
) -> tuple[list[int], list[int]]:
    """Sounds with the r that links words ("mayor of"): words are looked up alone, without it."""
    r, space = inventory.find(R), inventory.id(SPACE)
    out: list[int] = []
    owners: list[int] = []
    for at, (sound, character) in enumerate(zip(sounds, characters, strict=True)):
        out.append(sound)
        owners.append(character)
        _, *following = sounds[at : at + 3]
        if (
            r is not None
            and len(following) == 2
            and following[0] == space
            and inventory.sounds[sound].endswith(R_COLORED)
            and inventory.sounds[following[1]].strip(STRESS)[:1] in VOWELS
        ):
            out.append(r)
            owners.append(character)
    return out, owners
