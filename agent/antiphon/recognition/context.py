"""Context: names and terms that may occur, and whether a recognizer merely reads them out."""

from __future__ import annotations

import re
from collections.abc import Sequence

LEAST_ENTRIES = 3
"""Entries of a list, one after another, from which a transcript is taken for an echo of it."""
SHARE = 0.8
"""Share of a transcript's words that such a run must make up."""


def entries(given: str) -> tuple[str, ...]:
    """The entries of a list, separated by commas, semicolons or new lines."""
    found = (each.strip() for each in re.split(r"[,;\n]", given))
    return tuple(each for each in found if each)


def echoes(text: str, context: Sequence[str]) -> bool:
    """Whether a transcript repeats the list it was given in the list's own order.

    Somebody may say two of the names, or all of them in a sentence; an echo is little else than
    entries of the list, in its order. A context of prose counts as entries of one word each.
    """
    said = _words(text)
    if not said:
        return False
    listed = [_words(entry) for entry in context]
    if len(listed) < LEAST_ENTRIES:
        listed = [[word] for entry in listed for word in entry]
    best = 0
    for first in range(len(listed)):
        best = max(best, _run(said, listed[first:]))
    return best >= SHARE * len(said)


def _run(said: list[str], listed: list[list[str]]) -> int:
    """Words of the longest run of whole entries from the first on, anywhere in what is said."""
    longest = 0
    for start in range(len(said)):
        at = start
        for count, entry in enumerate(listed, 1):
            if not entry or said[at : at + len(entry)] != entry:
                break
            at += len(entry)
            if count >= LEAST_ENTRIES:
                longest = max(longest, at - start)
    return longest


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.casefold())
