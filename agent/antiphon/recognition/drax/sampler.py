"""Sampling: from noise to text in a few evaluations of the decoder, all positions at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch

Jumps = Literal["rate", "exact"]
"""How likely a position takes its drawn token in a step of size h at time t: by the rate of the
flow, 1 - exp(-h / (1 - t)), or by the exact transition of the linear schedule, h / (1 - t)."""


class Predictor(Protocol):
    """The decoder with its audio."""

    def __call__(
        self, tokens: torch.Tensor, time: torch.Tensor, preserve: torch.Tensor
    ) -> torch.Tensor:
        """Logits [B, L, V] of clean tokens."""


@dataclass(frozen=True)
class Sampled:
    """Texts that were drawn."""

    tokens: torch.Tensor
    """[B, L] ids."""
    log_probs: torch.Tensor
    """[B, L] of them, at the last step."""
    evaluations: int
    """How often the decoder was asked."""


@torch.no_grad()
def sample(
    predict: Predictor,
    start: torch.Tensor,
    preserve: torch.Tensor,
    steps: int,
    *,
    temperature: float,
    generator: torch.Generator | None = None,
    jumps: Jumps = "rate",
    begin: float = 0.0,
) -> Sampled:
    """Draw texts by the two-way linear schedule; the path's middle is not used.

    Args:
        predict: the decoder.
        start: [B, L] tokens to begin with: noise, or what is preserved.
        preserve: [B, L] True where `start` stays.
        steps: evaluations, at least one.
        temperature: of the draws.
        generator: of the draws.
        jumps: see `Jumps`.
        begin: time of `start`; 0: noise.
    """
    tokens, width = start, (1 - begin) / steps
    for step in range(steps):
        time = begin + step * width
        logits = predict(tokens, torch.full((len(tokens),), time), preserve).float()
        drawn = _draw(logits / temperature, generator)
        drawn = torch.where(preserve, start, drawn)
        if step == steps - 1:
            tokens = drawn
        else:
            share = width / (1 - time)
            chance = share if jumps == "exact" else 1 - math.exp(-share)
            jump = torch.rand(tokens.shape, generator=generator) < chance
            tokens = torch.where(jump & ~preserve, drawn, tokens)
    chosen = logits.log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    return Sampled(tokens, chosen, steps)


def _draw(logits: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    """Ids [B, L] of a categorical draw, by the inverse of its distribution function."""
    edges = logits.softmax(-1).cumsum(-1)
    at = torch.rand(*logits.shape[:-1], 1, generator=generator) * edges[..., -1:]
    drawn = torch.searchsorted(edges, at, right=True)[..., 0]
    return drawn.clamp(max=logits.shape[-1] - 1)
