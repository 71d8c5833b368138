"""Stage II: the generator learns from embeddings."""

from __future__ import annotations

import numpy as np
import torch
from tiny_t2c import SOUNDS, example, falls

from antiphon.training.jobs.voice.unit_lm import Example, Speaking, pad


def test_padding_says_what_is_real():
    filled, real = pad([np.array([1, 2]), np.array([3])], value=7)
    assert filled.shape == real.shape == (2, 32)
    assert real.sum(1).tolist() == [2, 1]
    assert filled[1, 1] == 7


def test_stage_two_learns(model):
    rng = np.random.default_rng(1)
    task = Speaking(model, [example(model, rng) for _ in range(30)])
    assert falls(model, task)
    assert set(task.held_out()) == {"loss", "unit", "length", "right"}


def test_a_cut_hides_what_is_not_yet_known(model):
    rng = np.random.default_rng(1)
    one = example(model, rng)
    task = Speaking(model, [one, one]).eval()
    other = Example(one.sounds.copy(), one.lengths, one.tokens, one.words, one.starts)
    other.sounds[6] = (other.sounds[6] + 1) % len(SOUNDS)
    conditions = []
    for each in (one, other):
        sounds, present = pad([each.sounds])
        vectors = torch.zeros(1, sounds.shape[1], 12)
        with torch.inference_mode():
            conditions.append(task._condition([each], sounds, present, vectors, [4])[0])
    same = (conditions[0] - conditions[1]).abs().amax(-1)[0] < 1e-6
    assert same[:12].all() and not same[12:27].all()
