"""A text-to-codec generator small enough to train in a test."""

from __future__ import annotations

import numpy as np
import torch

from antiphon.t2c.text_to_codec import T2CConfig, TextToCodec
from antiphon.training.jobs.voice.unit_lm import Example
from antiphon_codecs.unit_language.unit_language import UnitLanguage

SOUNDS = ("^", "$", " ", ",", ".", "a", "b", "ˈa", "iː")


def tiny_model():
    rng = np.random.default_rng(0)
    language = UnitLanguage.train([rng.integers(0, 8, 400)], 8, vocabulary=20, max_length=3)
    config = T2CConfig(12, 16, SOUNDS, width=16, lm_layers=1, lm_heads=2, lm_inner=24)
    return TextToCodec(config, language, torch.randn(50, 12))


def example(model, rng):
    sounds = rng.integers(0, len(SOUNDS), 9)
    sounds[4] = SOUNDS.index(" ")
    units = np.repeat(sounds % 8, 3)
    words = model.language.encode(units)
    spans = model.language.lengths[words]
    return Example(sounds, np.full(9, 3), sounds % 50, words, spans.cumsum() - spans)


def falls(model, task, steps=60):
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], 3e-3)
    losses = []
    for step in range(steps):
        loss = task.step(step)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[-1] < 0.8 * losses[0]
