"""Clips that are heard together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from antiphon.errors import UserError
from antiphon.recognition.qwen3_asr.features import Features
from antiphon.training.corpora.hearing.spoken_languages import kept
from antiphon.training.jobs.qwen3_asr.batches import Batches

RATE = 16_000


def clips():
    rng = np.random.default_rng(0)
    return [
        kept(rng.normal(0, 0.1, seconds * RATE).astype(np.float32), f"a {seconds}", "en")
        for seconds in (1, 2, 10)
    ]


def test_short_clips_pass_the_convolutions_together_and_long_ones_in_chunks():
    batches = Batches(clips(), Features(80, 800))
    short = batches.collate(batches.clips[:2])
    assert short.frames.shape == (2, 80, 216) and short.chunk == 216
    assert short.counts == [13, 25] and short.mask.sum(1).tolist() == [100, 200]
    long = batches.collate(batches.clips)
    assert long.frames.shape == (3, 80, 1600) and long.chunk == 800
    assert long.counts == [13, 25, 125]


def test_the_batch_of_a_step_is_always_the_same():
    batches = Batches(clips(), Features(80, 800))
    first, again = (batches.draw(3, 0) for _ in range(2))
    assert torch.equal(first.frames, again.frames)
    assert [c.text for c in first.clips] == [c.text for c in again.clips]


def test_an_empty_corpus_is_said():
    with pytest.raises(UserError, match="no clips"):
        Batches([], Features(80, 800))
