"""Drax's probability path: from uniform noise over the audio's own guess to the text.

At time t a position holds a token of the source with probability k0, of the audio-conditioned
middle with k_mid, of the text with k1: k1 = 1 - s, k_mid = r s, k0 = (1 - r) s with s = 1 - t^p and
r = t^q (Navon et al., appendix C.1, p = 2 and q = 2/3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional as F


class Weights(NamedTuple):
    """One number a component, [B] or whatever the times were."""

    source: torch.Tensor
    middle: torch.Tensor
    target: torch.Tensor


class Velocity(NamedTuple):
    """The flow of probability: target * p(x1) + middle * p_mid + here * p_t."""

    target: torch.Tensor
    middle: torch.Tensor
    here: torch.Tensor


@dataclass(frozen=True)
class MixturePath:
    """The three-way path; `middle=False` is the plain one, which goes straight."""

    p: float = 2.0
    q: float = 2 / 3
    middle: bool = True
    blind: bool = False
    """Whether the middle is uniform noise, too. This and the next are only there to be compared."""
    heard: bool = False
    """Whether the source is what the audio says by itself, instead of noise."""

    def weights(self, time: torch.Tensor) -> Weights:
        """Probabilities of the components at times in [0, 1]."""
        if not self.middle:
            return Weights(1 - time, torch.zeros_like(time), time)
        s, r = 1 - time**self.p, time**self.q
        return Weights((1 - r) * s, r * s, 1 - s)

    def slopes(self, time: torch.Tensor) -> Weights:
        """Their derivatives at times in (0, 1)."""
        if not self.middle:
            one = torch.ones_like(time)
            return Weights(-one, torch.zeros_like(time), one)
        s, r = 1 - time**self.p, time**self.q
        ds, dr = -self.p * time ** (self.p - 1), self.q * time ** (self.q - 1)
        return Weights((1 - r) * ds - dr * s, r * ds + dr * s, -ds)

    def velocity(self, time: torch.Tensor) -> Velocity:
        """How probability flows at times in (0, 1): with the source as the reference component."""
        k, dk = self.weights(time), self.slopes(time)
        here = dk.source / k.source
        return Velocity(dk.target - k.target * here, dk.middle - k.middle * here, here)

    def draw(
        self,
        text: torch.Tensor,
        guess: torch.Tensor,
        time: torch.Tensor,
        keep: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Noisy tokens [B, L, V], one-hot; gradients reach `guess` by straight-through Gumbel.

        Args:
            text: [B, L] clean tokens.
            guess: [B, L, V] log probabilities of the middle.
            time: [B].
            keep: [B, L] True where the text stays.
        """
        vocabulary = guess.shape[-1]
        by_text, by_guess = self._sources(text, time, keep)
        soft = F.gumbel_softmax(guess, hard=True)
        drawn = torch.where(by_text, text, torch.randint(vocabulary, text.shape))
        return torch.where(by_guess[..., None], soft, F.one_hot(drawn, vocabulary).to(soft))

    def mix(
        self,
        text: torch.Tensor,
        guessed: torch.Tensor,
        time: torch.Tensor,
        vocabulary: int,
        keep: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Noisy tokens [B, L], with what was drawn from a middle that does not learn [B, L]."""
        by_text, by_guess = self._sources(text, time, keep)
        noise = torch.randint(vocabulary, text.shape)
        source, middle = guessed if self.heard else noise, noise if self.blind else guessed
        return torch.where(by_guess, middle, torch.where(by_text, text, source))

    def _sources(
        self, text: torch.Tensor, time: torch.Tensor, keep: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Where [B, L] the text is taken, and where the middle's guess."""
        k = self.weights(time)
        u = torch.rand(text.shape)
        by_text = u < k.target[:, None]
        by_guess = ~by_text & (u < (k.target + k.middle)[:, None])
        return (by_text, by_guess) if keep is None else (by_text | keep, by_guess & ~keep)
