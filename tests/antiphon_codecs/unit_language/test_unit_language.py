import functools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon_codecs.unit_language.bigram import Bigram
from antiphon_codecs.unit_language.unit_language import UnitLanguage

N_UNITS = 12
SYLLABLES = [(1, 2, 3), (4, 5), (7, 7, 7, 7), (8, 9, 1, 2)]


def babble(count: int, seed: int) -> list[NDArray[np.int64]]:
    """Sentences of four syllables and some noise."""
    random = np.random.default_rng(seed)
    sentences = []
    for _ in range(count):
        parts = [SYLLABLES[i] for i in random.integers(0, len(SYLLABLES), random.integers(1, 12))]
        sentences.append(np.array([u for p in parts for u in p] + [int(random.integers(N_UNITS))]))
    return sentences


@functools.cache
def language(order: int = 1) -> UnitLanguage:
    return UnitLanguage.train(babble(300, 0), N_UNITS, 24, max_length=4, order=order)


@given(st.lists(st.integers(0, N_UNITS - 1), max_size=60), st.sampled_from([1, 2]))
def test_anything_is_read_back_exactly(units: list[int], order: int) -> None:
    words = language(order).encode(np.array(units, np.int64))
    assert language(order).decode(words).tolist() == units
    assert language(order).lengths[words].sum() == len(units)


@given(st.lists(st.lists(st.integers(0, N_UNITS - 1), max_size=20), max_size=6))
def test_many_at_once_is_the_same_as_one_by_one(corpus: list[list[int]]) -> None:
    arrays = [np.array(units, np.int64) for units in corpus]
    for order in (1, 2):
        together = language(order).encode_many(arrays)
        assert len(together) == len(arrays)
        for units, words in zip(arrays, together, strict=True):
            assert words.tolist() == language(order).encode(units).tolist()


def test_frequent_runs_become_words() -> None:
    for order in (1, 2):
        assert set(SYLLABLES) <= set(language(order).words)
        raw = babble(100, 1)
        words = language(order).encode_many(raw)
        assert sum(map(len, raw)) / sum(map(len, words)) > 2.5


def test_first_words_are_the_units_themselves() -> None:
    assert language().words[:N_UNITS] == tuple((unit,) for unit in range(N_UNITS))
    assert len(language()) <= 24 and language().lengths.max() <= 4


def brute_force(scores: dict[tuple[int, ...], float], units: tuple[int, ...]) -> float:
    if not units:
        return 0.0
    return max(
        scores[units[:k]] + brute_force(scores, units[k:])
        for k in range(1, min(4, len(units)) + 1)
        if units[:k] in scores
    )


@given(st.lists(st.sampled_from([1, 2, 3, 7, 8, 9]), max_size=10))
def test_the_path_is_the_best_there_is(units: list[int]) -> None:
    spoken = language()
    scores = dict(zip(spoken.words, spoken.scores, strict=True))
    path = spoken.scores[spoken.encode(np.array(units, np.int64))].sum()
    assert path == pytest.approx(brute_force(scores, tuple(units)))


def test_pairs_are_counted_inside_sequences_only() -> None:
    bigram = Bigram.count(np.array([0, 1, 0, 1, 2]), np.array([2, 0, 3]), 3)
    assert bigram.keys.tolist() == [1, 5]  # 0 1 twice, 1 2 once; not the 1 0 across the border


def test_a_word_cost_makes_fewer_words() -> None:
    raw = babble(300, 0)
    cheap = UnitLanguage.train(raw, N_UNITS, 40, max_length=6, word_cost=0.0)
    dear = UnitLanguage.train(raw, N_UNITS, 40, max_length=6, word_cost=3.0)
    held_out = babble(100, 2)
    count = [sum(map(len, each.encode_many(held_out))) for each in (cheap, dear)]
    assert count[1] <= count[0]


@pytest.mark.parametrize("order", [1, 2])
def test_saved_and_loaded_it_is_the_same(tmp_path: Path, order: int) -> None:
    path = tmp_path / "words.safetensors"
    language(order).save(path)
    loaded = UnitLanguage.load(path)
    raw = babble(20, 3)
    assert loaded.words == language(order).words and loaded.order == order
    for before, after in zip(
        language(order).encode_many(raw), loaded.encode_many(raw), strict=True
    ):
        assert before.tolist() == after.tolist()


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unit is outside"):
        language().encode(np.array([N_UNITS]))
    with pytest.raises(UserError, match="word id"):
        language().decode(np.array([-1]))
    with pytest.raises(UserError, match="at least"):
        UnitLanguage.train(babble(3, 0), N_UNITS, vocabulary=3)
    with pytest.raises(UserError, match="no unit language"):
        UnitLanguage.load(tmp_path / "missing.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    with pytest.raises(UserError, match="no unit language"):
        UnitLanguage.load(tmp_path / "bad.safetensors")


def test_an_empty_corpus_leaves_the_units() -> None:
    for order in (1, 2):
        lonely = UnitLanguage.train([], N_UNITS, 24, order=order)
        assert len(lonely) == N_UNITS
        assert lonely.decode(lonely.encode(np.array([3, 3]))).tolist() == [3, 3]
        assert lonely.encode(np.zeros(0, np.int64)).tolist() == []
