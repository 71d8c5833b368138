"""Scores of beginnings are sums over all that the frames may say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from antiphon.recognition.qwen3_asr.writing.heard_tokens import HeardTokens, log_probs

BLANK, LABELS, FRAMES = 0, 3, 5


def collapsed(path):
    return tuple(label for label, _ in itertools.groupby(path) if label != BLANK)


@pytest.fixture
def scores():
    drawn = np.random.default_rng(3).normal(size=(FRAMES, LABELS))
    return (drawn - np.log(np.exp(drawn).sum(1, keepdims=True))).astype(np.float32)


@pytest.mark.parametrize("text", [(1,), (2, 1), (1, 1), (1, 2, 1), (2, 2, 2)])
def test_a_beginning_is_as_likely_as_all_texts_that_begin_so(scores, text):
    found = {"begins": 0.0, "ends": 0.0}
    for path in itertools.product(range(LABELS), repeat=FRAMES):
        said = collapsed(path)
        likely = np.exp(scores[range(FRAMES), path].sum())
        found["begins"] += likely * (said[: len(text)] == text)
        found["ends"] += likely * (said == text)
    heard = HeardTokens(scores, BLANK)
    texts = heard.start()
    for label in text:
        texts = heard.extended(texts, [label])
    np.testing.assert_allclose(np.exp(texts.scores[0]), found["begins"], atol=1e-6)
    np.testing.assert_allclose(np.exp(texts.ended()[0]), found["ends"], atol=1e-6)


def test_what_may_follow_is_scored_at_once(scores):
    heard = HeardTokens(scores, BLANK)
    texts = heard.start()
    for label in (1, 1, 2):
        after = [heard.extended(texts, [each]).scores[0] for each in (1, 2)]
        np.testing.assert_allclose(heard.next(texts)[0, 1:], after)
        texts = heard.extended(texts, [label])


def test_texts_are_scored_together_as_alone(scores):
    heard = HeardTokens(scores, BLANK)
    both = heard.extended(heard.start().taken([0, 0]), [1, 2])
    both = heard.extended(both, [1, 1])
    for row, text in enumerate([(1, 1), (2, 1)]):
        alone = heard.start()
        for label in text:
            alone = heard.extended(alone, [label])
        np.testing.assert_allclose(alone.scores[0], both.scores[row])
    put = both.with_([0], both.taken([1]))
    np.testing.assert_array_equal(put.scores, both.scores[[1, 1]])


def test_silence_between_words_changes_nothing(scores):
    quiet = np.log(np.array([[1 - 1e-9, 5e-10, 5e-10]] * 40, np.float32))
    short, long = (
        HeardTokens(np.concatenate([scores[:2], quiet[:count], scores[2:]]), BLANK)
        for count in (1, 40)
    )
    assert len(long.scores) == len(short.scores)
    ends = [
        heard.extended(heard.extended(heard.start(), [1]), [1]).ended()[0]
        for heard in (short, long)
    ]
    np.testing.assert_allclose(*ends)


def test_a_vector_is_heard_as_its_label():
    vectors = torch.nn.init.orthogonal_(torch.empty(8, 16))
    assert log_probs(vectors[[5, 0, 3]], vectors).argmax(-1).tolist() == [5, 0, 3]
