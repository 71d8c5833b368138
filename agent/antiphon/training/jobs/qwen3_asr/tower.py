"""The audio tower learns to say what Whisper's encoder says, whose layers it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.precision import mixed_precision
from antiphon.recognition.qwen3_asr.tower import STRIDE, states, tokens
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.training.jobs.qwen3_asr.batches import Batch
from antiphon.training.jobs.qwen3_asr.model import convolved
from antiphon.training.loop import Losses

LEAST = 1e-4
"""Share of the variance of all parts of a state that each has at least."""
PIECE = 640
"""Frames of each clip that the convolutions learn from at once, at most."""


def convolution_losses(
    own: nn.ModuleList, teacher: AudioEncoder, batch: Batch, rng: np.random.Generator
) -> Losses:
    """How far convolutions are from Whisper's, as a share of the variance.

    Args:
        own: of the tower.
        teacher: its frames are one in `STRIDE` / 2 of the tower's.
        batch: of which `PIECE` is heard.
        rng: draws where it begins.
    """
    shortest = int(batch.mask.sum(1).min())
    first = int(rng.integers(max(0, shortest - PIECE) // STRIDE + 1)) * STRIDE
    frames = batch.frames[..., first : first + PIECE]
    at = batch.mask[:, first : first + PIECE : STRIDE].bool()
    with mixed_precision():
        with torch.no_grad():
            half = F.gelu(teacher.conv1(frames[..., :: STRIDE // 2].cpu()))
            wanted = F.gelu(teacher.conv2(half)).transpose(1, 2)
        said = convolved(own, frames)
    said, wanted = said.float()[at], wanted.to(said).float()[at]
    return {"loss": F.mse_loss(said, wanted) / wanted.var()}


def state_losses(tower: Any, teacher: AudioEncoder, batch: Batch, layers: int) -> Losses:
    """How far the states after a tower's first layers are from Whisper's.

    Each of their parts counts by its own variance: a few are so large that no other would matter.

    Args:
        tower: that learns.
        teacher: its frames are one in `STRIDE` / 2 of the tower's.
        batch: of which the first chunk is heard.
        layers: how many.
    """
    frames, mask = batch.frames[..., : batch.chunk], batch.mask[:, : batch.chunk]
    lengths = mask.sum(1)
    with chunks_of(tower, batch.chunk), mixed_precision():
        with first_layers(tower, layers, "ln_post"):
            said = states(tower, frames, mask)
        with torch.no_grad(), first_layers(teacher, layers, "layer_norm"):
            half = STRIDE // 2
            rows = teacher(frames[..., ::half].transpose(1, 2).cpu(), -(-lengths.cpu() // half))
    counts = [tokens(length, batch.chunk) for length in lengths.tolist()]
    wanted = torch.cat([row[:count] for row, count in zip(rows, counts, strict=True)])
    said, wanted = said.float(), wanted.to(said).float()
    share = wanted.var(0) + LEAST * wanted.var()
    return {"loss": ((said - wanted).square() / share).mean()}


@contextmanager
def first_layers(encoder: Any, count: int, norm: str) -> Iterator[None]:
    """An encoder that has only so many of its layers, and nothing behind them."""
    layers, last = encoder.layers, getattr(encoder, norm)
    encoder.layers = layers[:count]
    setattr(encoder, norm, nn.Identity())
    try:
        yield
    finally:
        encoder.layers = layers
        setattr(encoder, norm, last)


@contextmanager
def chunks_of(tower: Any, chunk: int) -> Iterator[None]:
    """A tower whose convolutions take so many frames at once, so that short clips cost less."""
    usual, tower.n_window = tower.n_window, chunk // 2
    try:
        yield
    finally:
        tower.n_window = usual
