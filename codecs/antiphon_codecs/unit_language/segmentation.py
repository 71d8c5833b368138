"""Cutting sequences into words by the best path, many sequences at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Batch:
    """Sequences end to end, so that one array operation serves them all.

    Attributes:
        flat: [N] units of all sequences.
        starts: [S] where each begins in ``flat``.
        lengths: [S] units of each.
    """

    def __init__(self, sequences: Sequence[NDArray[np.integer]]) -> None:
        self.lengths: Ints = np.array([len(each) for each in sequences], np.int64)
        self.starts: Ints = np.cumsum(self.lengths) - self.lengths
        self.flat: Ints = (
            np.concatenate(sequences).astype(np.int64) if len(sequences) else np.zeros(0, np.int64)
        )
        self.room: Ints = np.repeat(self.starts + self.lengths, self.lengths) - np.arange(
            len(self.flat)
        )
        """[N] units from each position to the end of its sequence."""


class Trie:
    """Finds every word of a vocabulary at every position."""

    def __init__(self, words: Sequence[tuple[int, ...]], n_units: int) -> None:
        """Build the prefix tree of words of units in [0, n_units); word i gets the id i."""
        self._n_units = n_units
        self.depth = max((len(word) for word in words), default=0)
        children: dict[int, int] = {}
        ids = [-1]
        for index, word in enumerate(words):
            node = 0
            for unit in word:
                key = node * n_units + unit
                node = children.setdefault(key, len(ids))
                if node == len(ids):
                    ids.append(-1)
            ids[node] = index
        self._ids: Ints = np.array(ids, np.int64)
        keys = np.fromiter(children, np.int64, len(children))
        order = np.argsort(keys)
        self._keys = keys[order]
        self._nodes: Ints = np.fromiter(children.values(), np.int64, len(children))[order]

    def matches(self, batch: Batch) -> NDArray[np.int32]:
        """Id of the word of k + 1 units that starts at each position.

        Returns:
            [depth, N] int32, -1 where there is none.
        """
        n = len(batch.flat)
        found = np.full((self.depth, n), -1, np.int32)
        at, nodes = np.arange(n), np.zeros(n, np.int64)
        for k in range(self.depth):
            inside = batch.room[at] > k
            at, nodes = at[inside], nodes[inside]
            keys = nodes * self._n_units + batch.flat[at + k]
            place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            known = self._keys[place] == keys
            at, nodes = at[known], self._nodes[place[known]]
            found[k, at] = self._ids[nodes]
        return found


def best_paths(batch: Batch, matches: NDArray[np.int32], scores: Floats) -> tuple[Ints, Ints]:
    """1-gram Viterbi: best[i] = max over k of best[i - k] + score(word of k units ending at i).

    Args:
        batch: S sequences, N units.
        matches: [K, N] what `Trie.matches` found.
        scores: [V] log probability of each word; -inf forbids it.

    Returns:
        Word ids of all sequences end to end [M], and how many words each sequence has [S].
    """
    steps, _ = _forward(batch, matches, np.append(scores, -np.inf))
    return _walk(batch, matches, steps)


def best_scores(batch: Batch, matches: NDArray[np.int32], scores: Floats) -> Floats:
    """Score of every sequence's best path [S]; see `best_paths`."""
    _, forward = _forward(batch, matches, np.append(scores, -np.inf))
    ends: Floats = forward[batch.starts + np.arange(len(batch.starts)) + batch.lengths]
    return ends


def _forward(
    batch: Batch, matches: NDArray[np.int32], scores: Floats
) -> tuple[NDArray[np.int8], Floats]:
    """Length of the best last word and best score at every end, [N + S] each."""
    order = np.argsort(-batch.lengths, kind="stable")
    lengths, starts = batch.lengths[order], batch.starts[order]
    ends = starts + order  # every sequence has one more end than units
    best = np.zeros(len(batch.flat) + len(order))
    steps = np.zeros(len(best), np.int8)
    depth = len(matches)
    for t in range(1, int(lengths[0]) + 1 if len(lengths) else 1):
        active = int(np.searchsorted(-lengths, -t, side="right"))
        first, end = starts[:active] + t, ends[:active] + t
        options = np.stack(
            [best[end - k] + scores[matches[k - 1, first - k]] for k in range(1, min(depth, t) + 1)]
        )
        choice = options.argmax(0)
        best[end] = options[choice, np.arange(active)]
        steps[end] = choice + 1
    return steps, best


def _walk(batch: Batch, matches: NDArray[np.int32], steps: NDArray[np.int8]) -> tuple[Ints, Ints]:
    """Follow the best steps back from every end."""
    chosen = np.zeros(len(batch.flat), np.int8)
    counts = np.zeros(len(batch.starts), np.int64)
    rows = np.flatnonzero(batch.lengths)
    at = batch.lengths[rows]
    while len(rows):
        k = steps[batch.starts[rows] + rows + at].astype(np.int64)
        at = at - k
        chosen[batch.starts[rows] + at] = k
        counts[rows] += 1
        rows, at = rows[at > 0], at[at > 0]
    first = np.flatnonzero(chosen)
    return matches[chosen[first] - 1, first].astype(np.int64), counts
