"""Forced alignment by CTC: where each label of a known sequence is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def align(scores: NDArray[np.float32], labels: list[int], blank: int) -> list[int]:
    """Slot of every label on the likeliest CTC path (Viterbi over Graves' lattice).

    Args:
        scores: [T, classes] log-probabilities.
        labels: the true sequence.
        blank: class of silence.

    Returns:
        For every label the slot that utters it first; empty if the labels cannot fit.
    """
    if not labels:
        return []
    extended = [blank]
    for label in labels:
        extended += [label, blank]
    n = len(extended)
    emit = scores[:, extended]
    skip = np.array([i > 1 and i % 2 == 1 and extended[i] != extended[i - 2] for i in range(n)])
    best = np.full(n, -np.inf, np.float32)
    best[:2] = emit[0, :2]
    back = np.zeros((len(scores), n), np.int8)
    for t in range(1, len(scores)):
        one = np.concatenate([[-np.inf], best[:-1]])
        two = np.where(skip, np.concatenate([[-np.inf, -np.inf], best[:-2]]), -np.inf)
        choices = np.stack([best, one, two])
        back[t] = choices.argmax(0)
        best = choices.max(0) + emit[t]
    if n < 2 or not np.isfinite(best[-2:]).any():
        return []
    at = n - 1 if best[-1] >= best[-2] else n - 2
    slots = [0] * len(labels)
    for t in range(len(scores) - 1, -1, -1):
        if at % 2 == 1:
            slots[at // 2] = t
        at -= int(back[t, at])
    return slots
