"""How times are read from the scores of slots: two for each word, its start and its end."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SNAPPED = 2
"""Slots out of order in succession that take a neighbour's time; more are spread between them."""


def best_path(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The likeliest classes of which no word's end is its start and none steps back.

    Args:
        scores: [2 N, classes] log-probabilities of the start and end of each word.

    Returns:
        [2 N] classes. If there are fewer classes than words, the surplus ends at the last class.
    """
    slots, classes = scores.shape
    best = scores[0].astype(np.float64)
    came = np.zeros((slots, classes), np.int64)
    for slot in range(1, slots):
        highest = np.maximum.accumulate(best)
        where = np.maximum.accumulate(np.where(best >= highest, np.arange(classes), 0))
        if slot % 2:  # an end is one class later than its start at least
            highest = np.concatenate([[-1e9], highest[:-1]])
            where = np.concatenate([[0], where[:-1]])
        came[slot] = where
        best = highest + scores[slot]
    path = np.zeros(slots, np.int64)
    path[-1] = int(best.argmax())
    for slot in range(slots - 1, 0, -1):
        path[slot - 1] = came[slot, path[slot]]
    return path


def faithful(classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Times as Qwen3's forced aligner repairs them: what steps back is taken from its neighbours.

    The longest subsequence that never falls is kept (arXiv 2601.21337, sec. 2.3). A word may have
    no length.

    Args:
        classes: [S] the likeliest class of each slot by itself.
    """
    kept = rising(classes.tolist())
    found = np.interp(np.arange(len(classes)), kept, classes[kept])
    for before, after in pairwise(kept):
        if 0 < after - before - 1 <= SNAPPED:
            for slot in range(before + 1, after):
                nearer = before if slot - before <= after - slot else after
                found[slot] = classes[nearer]
    return found


def rising(values: list[int]) -> list[int]:
    """Places of a longest subsequence that never falls."""
    tails, places = list[int](), list[int]()
    before = [-1] * len(values)
    for at, value in enumerate(values):
        length = bisect_right(tails, value)
        before[at] = places[length - 1] if length else -1
        tails[length : length + 1], places[length : length + 1] = [value], [at]
    found, at = list[int](), places[-1] if places else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]
