"""What Whisper's convolutions say is learned by others, and a tower's chunks are its own again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from antiphon.recognition.qwen3_asr.features import Features
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.layers import WhisperConfig
from antiphon.training.corpora.hearing.spoken_languages import kept
from antiphon.training.jobs.qwen3_asr.batches import Batches
from antiphon.training.jobs.qwen3_asr.model import Size, convolutions, make_model, make_tokenizer
from antiphon.training.jobs.qwen3_asr.tower import chunks_of, convolution_losses, state_losses

SIZE = Size(32, 2, 2, 128, 8, 16, 1, 2, 1, 16, 300, 80, 40, 800)


@pytest.fixture
def whisper():
    torch.manual_seed(0)
    return AudioEncoder(WhisperConfig(300, 32, 2, 2, 2)).requires_grad_(False)


@pytest.fixture
def tower(whisper):
    return make_model(SIZE, make_tokenizer(["a b"] * 9, 300), whisper).model.audio_tower


@pytest.fixture
def batch():
    time = np.arange(16_000) / 16_000
    sounds = [np.sin(2 * np.pi * pitch * time * (1 + time)) / 2 for pitch in (200, 500, 900)]
    clips = [kept(pcm.astype(np.float32), "", "") for pcm in sounds]
    return Batches(clips, Features(80, 800, 40)).collate(clips)


def test_convolutions_and_then_states_come_near_whispers(tower, whisper, batch):
    def learn(module, losses, steps):
        optimizer = torch.optim.Adam(module.parameters(), 3e-3)
        found = []
        for _ in range(steps):
            loss = losses()["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    own = convolutions(tower)
    rng = np.random.default_rng(0)
    first = learn(own, lambda: convolution_losses(own, whisper, batch, rng), 40)
    assert first[-1] < 0.5 * first[0]
    layers, norm = tower.layers, whisper.layer_norm
    second = learn(tower, lambda: state_losses(tower, whisper, batch, 1), 20)
    assert second[-1] < 0.7 * second[0]
    assert tower.n_window == SIZE.window // 2
    assert tower.layers is layers and whisper.layer_norm is norm


def test_a_part_that_is_loud_counts_no_more_than_others(tower, whisper, batch):
    with torch.no_grad():
        before = state_losses(tower, whisper, batch, 0)["loss"]
        whisper.embed_positions.weight[:, 0] += 1000 * torch.randn(1500)
        after = state_losses(tower, whisper, batch, 0)["loss"]
    assert after < before + 2 / SIZE.d_model


def test_chunks_are_as_before_after_a_fault():
    tower: Any = nn.Module()
    tower.n_window = 400
    with pytest.raises(ValueError), chunks_of(tower, 80):
        assert tower.n_window == 40
        raise ValueError
    assert tower.n_window == 400
