"""Times read from slots are the likeliest that are possible at all."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from antiphon.recognition.alignment.slot_reading import best_path, faithful, rising

scores = st.integers(1, 3).flatmap(
    lambda words: arrays(
        np.float32, (2 * words, 5), elements=st.floats(-9, 0, width=32), unique=True
    )
)


def possible(path):
    return all(
        later >= earlier + (place % 2 == 0) for place, (earlier, later) in enumerate(pairwise(path))
    )


def worth(table, path):
    return sum(float(table[slot, each]) for slot, each in enumerate(path))


@given(scores)
def test_the_path_is_the_best_of_all_possible_ones(table):
    slots, classes = table.shape
    every = [p for p in product(range(classes), repeat=slots) if possible(p)]
    path = best_path(table)
    if every:
        assert possible(path)
        assert abs(worth(table, path) - max(worth(table, p) for p in every)) < 1e-4


def test_independent_choices_that_are_possible_stay_as_they_are():
    wanted = np.array([1, 4, 4, 6, 7, 9])
    table = np.full((6, 12), -8.0, np.float32)
    table[np.arange(6), wanted] = 0.0
    assert best_path(table).tolist() == wanted.tolist()
    assert faithful(wanted).tolist() == wanted.tolist()


def test_more_words_than_classes_give_a_path_all_the_same():
    assert len(best_path(np.zeros((10, 3), np.float32))) == 10


@given(st.lists(st.integers(0, 6), max_size=9))
def test_a_longest_rising_subsequence_is_found(values):
    kept = rising(values)
    assert kept == sorted(kept)
    taken = [values[at] for at in kept]
    assert taken == sorted(taken)
    longest = 0
    for mask in range(1 << len(values)):
        picked = [value for at, value in enumerate(values) if mask >> at & 1]
        if picked == sorted(picked):
            longest = max(longest, len(picked))
    assert len(kept) == longest


def test_one_slot_out_of_order_takes_its_nearer_neighbours_time():
    assert faithful(np.array([1, 2, 90, 5, 6])).tolist() == [1, 2, 2, 5, 6]


def test_a_longer_stretch_out_of_order_is_spread():
    found = faithful(np.array([2, 90, 91, 92, 10, 11, 12, 13]))
    assert found.tolist() == [2, 4, 6, 8, 10, 11, 12, 13]
