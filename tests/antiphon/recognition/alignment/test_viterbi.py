"""Forced alignment."""

from __future__ import annotations

import numpy as np

from antiphon.recognition.alignment.viterbi import align


def test_alignment_follows_the_likeliest_path():
    best = [3, 0, 3, 1, 1, 3, 1, 3]
    scores = np.full((8, 4), -9.0, np.float32)
    scores[np.arange(8), best] = -0.01
    assert align(scores, [0, 1, 1], blank=3) == [1, 3, 6]


def test_alignment_admits_when_labels_do_not_fit():
    assert align(np.zeros((2, 4), np.float32), [0, 1, 2], blank=3) == []
    assert align(np.zeros((2, 4), np.float32), [], blank=3) == []
