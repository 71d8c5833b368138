"""Written text as a person reads it aloud, each sound traceable to the written character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

from antiphon.text import markup
from antiphon.text.folding import fold
from antiphon.text.rewriting import apply
from antiphon.text.rules import (
    abbreviations,
    acronyms,
    addresses,
    dates,
    identifiers,
    places,
    quantities,
    roman_numerals,
    symbols,
    telephone_numbers,
    times,
)

_RULES = (
    *markup.RULES,
    *acronyms.ELEMENTS,
    *addresses.RULES,
    *abbreviations.NUMBERED,
    *identifiers.TOLD,
    *times.DURATIONS,
    *dates.RULES,
    *times.RULES,
    *places.RULES,
    *telephone_numbers.RULES,
    *identifiers.RULES,
    *abbreviations.RULES,
    *roman_numerals.RULES,
    *symbols.BEFORE_NUMBERS,
    *quantities.RULES,
    *identifiers.REST,
    *quantities.REST,
    *symbols.AFTER_NUMBERS,
    *acronyms.RULES,
)

_TOKEN = re.compile(
    r"(?P<word>[A-Za-z]+(?:['-][A-Za-z]+)*)"
    r"|(?P<ellipsis>\.(?: ?\.){2,})"
    r"|(?P<mark>[.,;:!?])"
    r"|(?P<dash>—|–|-{2,})"
    rf"|(?P<break>[\n{markup.BREAK}])"
    r"|(?P<bracket>[()\[\]{}|•])"
)
_STRENGTH = {"": 0, "soft": 1, ",": 2, "—": 3, ";": 4, ":": 5, ".": 6, "!": 7, "?": 8}
_SOFT = "soft"


@dataclass(frozen=True)
class SpokenText:
    """Text as it is spoken."""

    text: str
    """Words of a-z and A-Z, apostrophes and hyphens inside words, single spaces, . , ; : ? ! —"""
    source: tuple[int, ...]
    """For every character of `text` the index of the written character it stands for; never
    decreasing."""


def spoken(text: str) -> SpokenText:
    """Write text as a person would read it aloud.

    Numbers, dates, times, money, units, abbreviations, acronyms, addresses and signs become
    words; other scripts are romanized or named; markup and emoji are dropped; brackets and line
    ends become pauses.

    Args:
        text: Anything, of any length, as a language model may write it.
    """
    written, source = apply(_RULES, *fold(text))
    writer = _Writer()
    for match in _TOKEN.finditer(written):
        at = source[match.start()]
        if match["word"]:
            writer.word(match["word"], source[match.start() : match.end()])
        elif match["ellipsis"]:
            after = _next_letter(written, match.end())
            writer.pause("," if after.islower() else ".", at)
        elif match["mark"]:
            writer.pause(match["mark"], at)
        elif match["dash"]:
            writer.pause("—", at)
        elif match["bracket"]:
            writer.pause(_SOFT, at)
        elif not writer.pausing:
            after = _next_letter(written, match.end())
            if after.islower():
                writer.pause("," if match["break"] == markup.BREAK else "", at)
            elif after:
                writer.pause(".", at)
    return writer.finish()


def _next_letter(text: str, start: int) -> str:
    """The next word's first letter, "" at the end."""
    found = re.compile(r"[A-Za-z]").search(text, start, start + 40)
    return found[0] if found else ""


class _Writer:
    """Sets words and pauses one after another; of several pauses in a row the strongest stays."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._source: list[int] = []
        self._pause: tuple[str, int] = ("", 0)

    @property
    def pausing(self) -> bool:
        """Whether a full pause is already due before the next word."""
        return _STRENGTH[self._pause[0]] > _STRENGTH[_SOFT]

    def word(self, word: str, source: list[int]) -> None:
        """Add a word, after the pause that is due."""
        if self._text:
            self._set_pause()
            self._add(" ", [source[0]])
        self._pause = ("", 0)
        self._add(word, source)

    def pause(self, mark: str, at: int) -> None:
        """A pause is due before the next word."""
        if _STRENGTH[mark] > _STRENGTH[self._pause[0]]:
            self._pause = (mark, self._pause[1] or at)

    def finish(self) -> SpokenText:
        """All that was written."""
        if self._text and self._pause[0] != _SOFT:
            self._set_pause()
        source = tuple(accumulate(self._source, max))
        return SpokenText("".join(self._text), source)

    def _set_pause(self) -> None:
        mark, at = self._pause
        mark = "," if mark == _SOFT else mark
        if mark:
            spaced = " —" if mark == "—" else mark
            self._add(spaced, [at] * len(spaced))

    def _add(self, text: str, source: list[int]) -> None:
        self._text.append(text)
        self._source += source
