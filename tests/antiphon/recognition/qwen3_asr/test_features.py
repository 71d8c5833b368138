from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.qwen3_asr import Qwen3ASRFeatureExtractor

from antiphon.recognition.qwen3_asr.features import Features

FEATURES = Features(80, 800)
NOISE = np.random.default_rng(0).normal(0, 0.1, 20 * 16_000).astype(np.float32)


def whole(pcm, cuts=()):
    state, found = FEATURES.start(), []
    for piece in np.split(pcm, sorted(cuts)):
        full, state = FEATURES.feed(piece, state)
        found += full
    return [*found, *FEATURES.finish(state)]


@pytest.mark.parametrize("length", [3000, 8000, 16_000, 16_001, 40_123, 8 * 16_000, 10 * 16_000])
def test_equals_the_published_extractor(length):
    pcm = NOISE[:length].copy()
    pcm[: length // 3] *= 3  # the loudest comes first, as the tolerance says
    theirs = Qwen3ASRFeatureExtractor(feature_size=80)(
        pcm, sampling_rate=16_000, padding=True, return_attention_mask=True
    )
    frames = int(theirs["attention_mask"].sum())
    mine = torch.cat(whole(pcm))
    real = theirs["input_features"][0].T
    assert len(mine) == (frames if length >= 8000 else 50)
    torch.testing.assert_close(mine, real[: len(mine)], atol=2e-4, rtol=0)


@settings(max_examples=25)
@given(st.integers(0, 200_000), st.lists(st.integers(0, 200_000), max_size=6))
def test_pieces_equal_the_whole(length, cuts):
    pcm = NOISE[:length]
    apart = whole(pcm, [min(cut, length) for cut in cuts])
    together = whole(pcm)
    assert [w.shape for w in apart] == [w.shape for w in together]
    for one, other in zip(apart, together, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


def test_a_smaller_hop_has_the_same_frames_and_some_between():
    pcm = NOISE[:40_123].copy()
    pcm[:4000] *= 3
    dense, usual = Features(80, 3200, 40).whole(pcm), FEATURES.whole(pcm)
    assert len(dense) == len(pcm) // 40
    torch.testing.assert_close(dense[::4][: len(usual)], usual, atol=2e-2, rtol=0)


def test_a_shout_does_not_change_what_was_heard_before():
    quiet = 0.001 * NOISE
    shout = np.concatenate([quiet[: 9 * 16_000], NOISE[: 3 * 16_000]])
    torch.testing.assert_close(whole(shout)[0], whole(quiet[: 9 * 16_000])[0])
