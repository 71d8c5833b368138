"""The unit language: words made of units, so that a language model takes fewer, bigger steps.

A sequence of units is cut into words of one to K units by the best path under a word language
model (1-gram or 2-gram). Every single unit is a word, so any sequence can be written and read
back exactly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from tqdm import tqdm

from antiphon.errors import UserError
from antiphon_codecs.unit_language.bigram import Bigram, best_pair_paths
from antiphon_codecs.unit_language.segmentation import (
    Batch,
    Floats,
    Ints,
    Trie,
    best_paths,
    best_scores,
)

Sequences = Sequence[NDArray[np.integer]]

SEED_FACTOR = 6
"""Candidates a word of the final vocabulary, before the first round."""
SMOOTHING = 0.5
"""Added to every count, so that words unseen in a round stay possible."""


class UnitLanguage:
    """Words of units. Ids below `n_units` are the units themselves.

    Attributes:
        n_units: Units there are.
        words: [V] the units of each word.
        lengths: [V] int64, how many units each word has.
        scores: [V] float64, log probability of each word (less what a word costs).
    """

    def __init__(
        self,
        words: Sequence[tuple[int, ...]],
        scores: Floats,
        n_units: int,
        bigram: Bigram | None = None,
    ) -> None:
        """Take words whose first `n_units` are the single units in order."""
        self.n_units = n_units
        self.words = tuple(words)
        self.scores = scores
        self.bigram = bigram
        self.lengths: Ints = np.array([len(word) for word in words], np.int64)
        self._flat: Ints = np.concatenate([np.array(word, np.int64) for word in words])
        self._starts: Ints = np.cumsum(self.lengths) - self.lengths
        self._trie = Trie(self.words, n_units)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def order(self) -> int:
        """1 if words are scored alone, 2 if after the word before."""
        return 1 if self.bigram is None else 2

    @classmethod
    def train(
        cls,
        corpus: Sequences,
        n_units: int,
        vocabulary: int = 8192,
        max_length: int = 8,
        order: int = 1,
        rounds: int = 4,
        word_cost: float = 4.0,
    ) -> UnitLanguage:
        """Find the words of a corpus by Viterbi EM.

        All runs of at most `max_length` units are counted; the most promising are the first
        vocabulary. Each round cuts the corpus, counts the words, and drops those whose loss
        costs the corpus least, until `vocabulary` are left.

        Args:
            corpus: Sequences [T] of units.
            n_units: Units there are; all stay words.
            vocabulary: V, words at most (fewer if the corpus has no more).
            max_length: K, units in a word at most.
            order: 1 or 2, what the final cutting goes by.
            rounds: Rounds of EM in which words are dropped; one more settles the counts.
            word_cost: Nats charged for each word: more of it gives fewer, longer words, at the
                price of words that are harder to predict.

        Raises:
            UserError: The settings make no sense, or a unit is not in [0, n_units).
        """
        if vocabulary < n_units or max_length < 1 or order not in (1, 2) or rounds < 1:
            raise UserError(
                f"a unit language needs at least its {n_units} units as words, words of at least "
                f"one unit, order 1 or 2 and one round: got {vocabulary=}, {max_length=}, "
                f"{order=}, {rounds=}"
            )
        batch = _batch(corpus, n_units)
        words = _candidates(batch, n_units, max_length, SEED_FACTOR * vocabulary)
        singles: list[tuple[int, ...]] = [(unit,) for unit in range(n_units)]
        extra = vocabulary - n_units
        spare = max(len(words) / max(extra, 1), 1.0)
        trie = Trie([*singles, *words], n_units)
        matches = trie.matches(batch)
        scores = np.log(_occurrences(matches, n_units + len(words)) + SMOOTHING)
        scores -= np.log(np.exp(scores).sum()) + word_cost
        ids = np.zeros(0, np.int64)
        for index in tqdm(range(rounds), desc="unit language", unit="round", leave=False):
            ids, _ = best_paths(batch, matches, scores)
            counts = np.bincount(ids, minlength=len(scores))
            keep = int(extra * spare ** (1 - (index + 1) / rounds))
            words, counts = _prune(singles, words, counts, scores, keep, word_cost)
            scores = _log_probabilities(counts, word_cost)
            matches = Trie([*singles, *words], n_units).matches(batch)
        for _ in range(2):
            ids, per = best_paths(batch, matches, scores)
            scores = _log_probabilities(np.bincount(ids, minlength=len(scores)), word_cost)
        bigram = None
        if order == 2:
            for _ in range(2):
                bigram = Bigram.count(ids, per, len(scores))
                ids, per = best_pair_paths(batch, matches, scores, bigram)
        return cls([*singles, *words], scores, n_units, bigram)

    def encode(self, units: NDArray[np.integer]) -> Ints:
        """Write units [T] as word ids [W], W <= T.

        Raises:
            UserError: A unit is not in [0, n_units).
        """
        return self.encode_many([units])[0]

    def encode_many(self, corpus: Sequences) -> list[Ints]:
        """Write many sequences at once: much faster than one after another.

        Raises:
            UserError: A unit is not in [0, n_units).
        """
        batch = _batch(corpus, self.n_units)
        matches = self._trie.matches(batch)
        if self.bigram is None:
            ids, counts = best_paths(batch, matches, self.scores)
        else:
            ids, counts = best_pair_paths(batch, matches, self.scores, self.bigram)
        return np.split(ids, np.cumsum(counts)[:-1])[: len(corpus)]

    def decode(self, ids: NDArray[np.integer]) -> Ints:
        """Read word ids [W] back as units [T], exactly.

        Raises:
            UserError: An id is not in the vocabulary.
        """
        ids = np.asarray(ids, np.int64)
        if len(ids) and not (ids.min() >= 0 and ids.max() < len(self)):
            raise UserError(f"a word id is outside 0 to {len(self) - 1}: was it another language?")
        lengths = self.lengths[ids]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        units: Ints = self._flat[np.repeat(self._starts[ids], lengths) + within]
        return units

    def save(self, path: Path) -> None:
        """Write to a safetensors file; an older one is replaced only when all is written."""
        tensors: dict[str, NDArray[np.generic]] = {
            "flat": self._flat.astype(np.int32),
            "lengths": self.lengths.astype(np.int32),
            "scores": self.scores,
        }
        if self.bigram is not None:
            tensors |= {
                "pair_keys": self.bigram.keys,
                "pair_scores": self.bigram.scores,
                "backoff": self.bigram.backoff,
            }
        part = path.with_name(path.name + ".part")
        save_file(tensors, part, {"unit_language": json.dumps({"n_units": self.n_units})})
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> UnitLanguage:
        """Read what `save` wrote.

        Raises:
            UserError: The file is missing or is no unit language.
        """
        try:
            with safe_open(path, "np") as file:
                about = json.loads(file.metadata()["unit_language"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is no unit language: fetch or train it again") from error
        ends = np.cumsum(tensors["lengths"])[:-1]
        words = [tuple(part.tolist()) for part in np.split(tensors["flat"], ends)]
        bigram = None
        if "pair_keys" in tensors:
            bigram = Bigram(tensors["pair_keys"], tensors["pair_scores"], tensors["backoff"])
        return cls(words, tensors["scores"], int(about["n_units"]), bigram)


def _batch(corpus: Sequences, n_units: int) -> Batch:
    batch = Batch(corpus)
    if len(batch.flat) and not (batch.flat.min() >= 0 and batch.flat.max() < n_units):
        raise UserError(f"a unit is outside 0 to {n_units - 1}: was it made by another codec?")
    return batch


def _candidates(batch: Batch, n_units: int, max_length: int, limit: int) -> list[tuple[int, ...]]:
    """The runs of two to `max_length` units that save the most steps: (length - 1) * count."""
    n = len(batch.flat)
    at, run = np.arange(n), batch.flat.copy()  # numbers of the runs of k units that start at `at`
    found: list[tuple[int, int, int]] = []  # cost, length, place
    for k in range(2, max_length + 1):
        inside = batch.room[at] >= k
        at, run = at[inside], run[inside]
        _, first, inverse, counts = np.unique(
            run * n_units + batch.flat[at + k - 1],
            return_index=True, return_inverse=True, return_counts=True,
        )  # fmt: skip
        often = np.flatnonzero(counts > 1)
        gain = counts[often] * (k - 1)
        best = np.argsort(-gain, kind="stable")[:limit]
        found += zip(-gain[best], np.full(len(best), k), at[first[often[best]]], strict=True)
        alive = counts[inverse] > 1  # a longer run is never more frequent
        at, run = at[alive], inverse[alive].astype(np.int64)
    found.sort()
    return [tuple(batch.flat[start : start + k].tolist()) for _, k, start in found[:limit]]


def _occurrences(matches: NDArray[np.int32], size: int) -> Floats:
    """How often each word occurs, overlaps included [V]."""
    return np.bincount(matches[matches >= 0], minlength=size).astype(np.float64)


def _log_probabilities(counts: NDArray[np.integer], word_cost: float) -> Floats:
    smooth = counts + SMOOTHING
    return np.asarray(np.log(smooth / smooth.sum()) - word_cost, np.float64)


def _prune(
    singles: list[tuple[int, ...]],
    words: list[tuple[int, ...]],
    counts: Ints,
    scores: Floats,
    keep: int,
    word_cost: float,
) -> tuple[list[tuple[int, ...]], Ints]:
    """Keep the words without which the corpus would be written worst."""
    n_units = len(singles)
    batch = Batch([np.array(word) for word in words]) if words else Batch([])
    matches = Trie([*singles, *words], n_units).matches(batch)
    if words:
        matches[batch.lengths - 1, batch.starts] = -1  # no word may stand for itself
    without = best_scores(batch, matches, scores)
    loss = counts[n_units:] * (scores[n_units:] - without)
    order = np.argsort(-loss, kind="stable")[:keep]
    order = np.sort(order[counts[n_units:][order] > 0])
    kept = [words[index] for index in order]
    return kept, np.concatenate([counts[:n_units], counts[n_units:][order]])
