"""Which words of a text belong to which part of a recording, by what was heard in the parts."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from rapidfuzz.distance import Levenshtein

REACH = 10
"""Words before and behind the likeliest border that are compared with it."""
LONG = 5
"""Letters of a word that is believed by itself; a shorter one needs an equal neighbour, too."""

LEAST = 0.01
"""A word's confidence counts as this at least, so that one word alone does not decide."""


@dataclass(frozen=True)
class Border:
    """Where the words of a part of a recording end and those of the next part begin."""

    least: int
    """The first word that may belong to the later part."""
    likely: int
    """The first word that does, by what was heard."""
    most: int
    """The first word that must belong to the later part."""

    @property
    def near(self) -> Border:
        """The same with the places next to the likeliest only."""
        least, most = self.likely - REACH, self.likely + REACH
        return Border(max(least, self.least), self.likely, min(most, self.most))

    @property
    def places(self) -> range:
        """Where it may be."""
        return range(self.least, self.most + 1)

    def behind(self, first: int) -> Border:
        """The same where the earlier part begins with the word `first`."""
        return Border(max(first, self.least), max(first, self.likely), max(first, self.most))


def borders(heard: Sequence[str], lengths: Sequence[int], words: Sequence[str]) -> list[Border]:
    """The borders between the parts of a recording, one fewer than there are parts.

    What was heard and the text are brought together by the fewest changes. Words that are the same
    in both are where they were heard; a border may be anywhere between two of these.

    Args:
        heard: what was heard in each part.
        lengths: of the parts' speech, in any unit.
        words: of the text.
    """
    said = [(bare(word), part) for part, text in enumerate(heard) for word in text.split()]
    owners, sure = _owners(said, [bare(word) for word in words])
    _spread(owners, lengths)
    parts = [owners[i] for i in sure]
    found = []
    for part in range(len(heard) - 1):
        after = bisect_right(parts, part)
        least = sure[after - 1] + 1 if after else 0
        most = sure[after] if after < len(sure) else len(words)
        found.append(Border(least, bisect_right(owners, part), most))
    return found


def _owners(said: Sequence[tuple[str, int]], known: Sequence[str]) -> tuple[list[int], list[int]]:
    """The part in which each word of a text was heard, -1 if that is not known; the sure ones.

    Of words that were misheard it is known only if they are as many as what was heard instead.
    """
    owners, equal = [-1] * len(known), [False] * len(known)
    changes = Levenshtein.opcodes([word for word, _ in said], known)
    for same, group in groupby(changes, lambda change: change.tag == "equal"):
        stretch = list(group)
        if not same and any(change.tag != "replace" for change in stretch):
            continue
        for change in stretch:
            for i in range(change.dest_end - change.dest_start):
                owners[change.dest_start + i] = said[change.src_start + i][1]
                equal[change.dest_start + i] = same
    for change in changes:
        if change.tag == "insert":
            for i in _movable(known, equal, change.dest_start, change.dest_end):
                owners[i], equal[i] = -1, False

    def beside(i: int, near: int) -> bool:
        return 0 <= near < len(known) and equal[near] and owners[near] == owners[i]

    sure = [
        i
        for i in range(len(known))
        if equal[i] and (len(known[i]) >= LONG or beside(i, i - 1) or beside(i, i + 1))
    ]
    return owners, sure


def _movable(known: Sequence[str], equal: Sequence[bool], first: int, last: int) -> Iterator[int]:
    """Words beside some that were not heard, which may as well be where others were heard.

    In "there was time. There" of which the last word alone was heard, it is either "there".

    Args:
        known: words of a text.
        equal: whether each was heard.
        first: the first of the words that were not.
        last: one past the last of them.
    """
    size = last - first
    at = first - 1
    while at >= 0 and equal[at] and known[at] == known[at + size]:
        yield at
        at -= 1
    at = last
    while at < len(known) and equal[at] and known[at] == known[at - size]:
        yield at
        at += 1


def _spread(owners: list[int], lengths: Sequence[int]) -> None:
    """Give words of no part to the parts around them, by the room that these have left."""
    pace = len(owners) / max(1, sum(lengths))
    counts = Counter(owners)
    free = [max(1e-6, length * pace - counts[i]) for i, length in enumerate(lengths)]
    at = 0
    for owner, run in [(owner, len(list(run))) for owner, run in groupby(owners)]:
        if owner < 0:
            first = owners[at - 1] if at else 0
            last = owners[at + run] if at + run < len(owners) else len(lengths) - 1
            room = list(accumulate(free[first : last + 1]))
            for i in range(run):
                place = bisect_right(room, (i + 0.5) / run * room[-1])
                owners[at + i] = first + min(place, last - first)
        at += run


def fits(before: Sequence[float | None], after: Sequence[float | None]) -> list[float]:
    """How well words fit if so many of them, from none to all, belong to the earlier of two parts.

    Args:
        before: confidence of each word in the earlier part; None: not known.
        after: the same in the later part.

    Returns:
        Sums of logarithms, one more than there are words.
    """
    early, late = (
        [math.log(max(LEAST, 1.0 if sure is None else sure)) for sure in each]
        for each in (before, after)
    )
    return [sum(early[:at]) + sum(late[at:]) for at in range(len(early) + 1)]


def bare(word: str) -> str:
    """A word without signs and capitals; a word of signs alone as it is."""
    return "".join(sign for sign in word.casefold() if sign.isalnum()) or word
