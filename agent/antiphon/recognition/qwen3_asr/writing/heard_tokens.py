"""Which tokens of the language model are heard in what it is given for sound.

A model that was trained here draws what it hears to the embeddings of the tokens that are said
(`training/jobs/qwen3_asr/labels.py`), so their distances are the scores of CTC (Graves et al.
2006), and the audio mark stands for its blank. How likely all sounds are that begin with a text is
then known beside what the language model thinks of it (Watanabe et al. 2017, sec. II-C).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

SURE = 6.0
"""Logarithm of how much more likely a label is than all others where its vector is given."""
SILENT = math.log(0.995)
"""Log probability of the blank from which a frame says nothing."""
NEVER = -1e30

Floats = NDArray[np.float64]


def log_probs(sounds: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Log probabilities [..., labels] of labels with vectors [labels, hidden] in sounds."""
    squares = vectors.square().sum(-1)
    sharp = (SURE + math.log(len(vectors))) / squares.mean()
    return (sharp * (sounds @ vectors.T - squares / 2)).log_softmax(-1)


@dataclass(frozen=True)
class Beginnings:
    """Beginnings of texts, and how likely each is at every frame."""

    labelled: Floats
    """[B, T] log probability that it is said by then, and its last label just now."""
    silent: Floats
    """[B, T] the same, with nothing said just now."""
    last: NDArray[np.int64]
    """[B] the last label; -1 before the first."""
    scores: Floats
    """[B] log probability of all texts that begin so."""

    def taken(self, rows: Sequence[int]) -> Beginnings:
        """Some of them."""
        at = np.asarray(rows, np.int64)
        return Beginnings(self.labelled[at], self.silent[at], self.last[at], self.scores[at])

    def with_(self, rows: Sequence[int], others: Beginnings) -> Beginnings:
        """With others in the place of some of them."""
        at = np.arange(len(self.last))
        at[np.asarray(rows, np.int64)] = len(at) + np.arange(len(rows))
        return Beginnings(
            np.concatenate([self.labelled, others.labelled])[at],
            np.concatenate([self.silent, others.silent])[at],
            np.concatenate([self.last, others.last])[at],
            np.concatenate([self.scores, others.scores])[at],
        )

    def ended(self) -> Floats:
        """[B] log probability that no more is said."""
        return np.asarray(np.logaddexp(self.labelled[:, -1], self.silent[:, -1]))


class HeardTokens:
    """Scores beginnings of texts by what is heard.

    Args:
        scores: [T, labels] log probabilities of the labels in each frame.
        blank: the label of what says nothing.
    """

    def __init__(self, scores: NDArray[np.float32], blank: int) -> None:
        quiet = scores[:, blank] > SILENT
        # One quiet frame between two labels tells a repeated one from one that goes on.
        kept = ~(quiet & np.concatenate([[False], quiet[:-1]]))
        self.scores, self.blank = scores[kept].astype(np.float64), blank
        self._shares = np.exp(self.scores)

    def start(self) -> Beginnings:
        """The empty text."""
        silent = np.cumsum(self.scores[:, self.blank])[None]
        never = np.full_like(silent, NEVER)
        return Beginnings(never, silent, np.array([-1]), np.zeros(1))

    def next(self, texts: Beginnings) -> Floats:
        """[B, labels] log probability of all texts that begin so and go on with a label."""
        before = self._before(texts, np.logaddexp(texts.labelled, texts.silent))
        found = _mixed(before, self._shares)
        again = np.flatnonzero(texts.last >= 0)
        if len(again):  # a label is said twice only with silence between
            apart = self._before(texts, texts.silent)[again]
            found[again, texts.last[again]] = _mixed(apart, self._shares)[
                np.arange(len(again)), texts.last[again]
            ]
        found[:, self.blank] = NEVER
        return found

    def extended(self, texts: Beginnings, labels: Sequence[int]) -> Beginnings:
        """Each text with one more label."""
        wanted = np.asarray(labels, np.int64)
        said = self.scores[:, wanted].T
        either = np.logaddexp(texts.labelled, texts.silent)
        either = np.where((texts.last == wanted)[:, None], texts.silent, either)
        before = self._before(texts, either)
        labelled = _scanned(before, said)
        earlier = np.concatenate([np.full((len(wanted), 1), NEVER), labelled[:, :-1]], 1)
        silent = _scanned(earlier, np.broadcast_to(self.scores[:, self.blank], said.shape))
        score = np.logaddexp.reduce(before + said, axis=1)
        return Beginnings(labelled, silent, wanted, score)

    @staticmethod
    def _before(texts: Beginnings, likely: Floats) -> Floats:
        """[B, T] what was likely a frame ago; before the first only the empty text was."""
        first = np.where(texts.last == -1, 0.0, NEVER)[:, None]
        return np.concatenate([first, likely[:, :-1]], 1)


def _mixed(before: Floats, shares: Floats) -> Floats:
    """[B, labels] log of the sum over frames of what was before [B, T] by shares [T, labels]."""
    most = before.max(1, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(np.log(np.exp(before - most) @ shares) + most, NEVER))


def _scanned(entered: Floats, stayed: Floats) -> Floats:
    """[B, T] log of a sum over when a state was entered, with the cost of each frame there."""
    cost = np.cumsum(stayed, 1)
    before = np.concatenate([np.zeros((len(cost), 1)), cost[:, :-1]], 1)
    return np.asarray(cost + np.logaddexp.accumulate(entered - before, axis=1))
