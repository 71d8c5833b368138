"""Two words in a row: how likely one is after the other, and the best path by that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon_codecs.unit_language.segmentation import Batch, Floats, Ints

DISCOUNT = 0.75


@dataclass(frozen=True)
class Bigram:
    """log P(w | v) with absolute discounting, backing off to the words' own frequency."""

    keys: Ints
    """[P] v * V + w of every pair seen, ascending."""
    scores: NDArray[np.float32]
    """[P] log probability of each."""
    backoff: NDArray[np.float32]
    """[V] log weight of the words' own frequency after v."""

    @classmethod
    def count(cls, words: Ints, counts: Ints, vocabulary: int) -> Bigram:
        """Count pairs.

        Args:
            words: [M] word ids of all sequences end to end.
            counts: [S] words of each sequence.
            vocabulary: V.
        """
        inside = np.ones(max(len(words) - 1, 0), bool)
        borders = np.cumsum(counts)[:-1] - 1
        inside[borders[(borders >= 0) & (borders < len(inside))]] = False
        pairs = (words[:-1] * vocabulary + words[1:])[inside]
        keys, seen = np.unique(pairs, return_counts=True)
        before = keys // vocabulary
        total = np.bincount(before, seen, vocabulary)
        kinds = np.bincount(before, minlength=vocabulary)
        with np.errstate(divide="ignore", invalid="ignore"):
            backoff = np.where(total > 0, np.log(DISCOUNT * kinds / total), 0.0)
        scores = np.log((seen - DISCOUNT) / total[before])
        return cls(keys, scores.astype(np.float32), backoff.astype(np.float32))

    def score(self, before: Ints, word: Ints, alone: Floats) -> Floats:
        """Log probability of words after others.

        Args:
            before: [...] ids v.
            word: [...] ids w.
            alone: [V] log P(w).
        """
        unseen = self.backoff[before] + alone[word]
        if not len(self.keys):
            return unseen
        keys = before * len(alone) + word
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        # the pair itself carries discounted mass; what backing off would add is left out
        return np.where(self.keys[place] == keys, self.scores[place], unseen)


def best_pair_paths(
    batch: Batch, matches: NDArray[np.int32], alone: Floats, bigram: Bigram
) -> tuple[Ints, Ints]:
    """2-gram Viterbi: best[i, k] = max over l of best[i - k, l] + log P(w(i, k) | w(i - k, l)).

    Args and returns as `segmentation.best_paths`; `alone` scores the first word of a sequence.
    """
    depth = len(matches)
    order = np.argsort(-batch.lengths, kind="stable")
    lengths, starts = batch.lengths[order], batch.starts[order]
    ends = starts + order
    size = len(batch.flat) + len(order)
    best = np.full((depth, size), -np.inf)  # by length of the last word
    last = np.full((depth, size), -1, np.int64)
    came = np.zeros((depth, size), np.int8)
    for t in range(1, int(lengths[0]) + 1 if len(lengths) else 1):
        active = int(np.searchsorted(-lengths, -t, side="right"))
        first, end = starts[:active] + t, ends[:active] + t
        for k in range(1, min(depth, t) + 1):
            word = matches[k - 1, first - k].astype(np.int64)
            here = np.flatnonzero(word >= 0)
            if not len(here):
                continue
            word, at = word[here], end[here]
            last[k - 1, at] = word
            if k == t:
                best[k - 1, at] = alone[word]
                continue
            earlier, before = best[:, at - k], last[:, at - k]
            row, column = np.nonzero(np.isfinite(earlier))
            options = np.full(earlier.shape, -np.inf)
            options[row, column] = earlier[row, column] + bigram.score(
                before[row, column], word[column], alone
            )
            choice = options.argmax(0)
            best[k - 1, at] = options[choice, np.arange(len(here))]
            came[k - 1, at] = choice + 1
    return _walk(batch, best, last, came)


def _walk(batch: Batch, best: Floats, last: Ints, came: NDArray[np.int8]) -> tuple[Ints, Ints]:
    """Follow the best last words back from every end."""
    chosen = np.full(len(batch.flat), -1, np.int64)
    counts = np.zeros(len(batch.starts), np.int64)
    rows = np.flatnonzero(batch.lengths)
    at = batch.lengths[rows]
    offset = batch.starts + np.arange(len(batch.starts))
    k = best[:, offset[rows] + at].argmax(0) + 1
    while len(rows):
        place = offset[rows] + at
        word, following = last[k - 1, place], came[k - 1, place].astype(np.int64)
        at = at - k
        chosen[batch.starts[rows] + at] = word
        counts[rows] += 1
        more = at > 0
        rows, at, k = rows[more], at[more], following[more]
    return chosen[chosen >= 0], counts
