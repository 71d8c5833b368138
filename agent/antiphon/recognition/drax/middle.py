"""The audio's own guess of the text (p_mid): a CTC head, cut into the positions of the canvas.

The paper does not say how its middle maps frames to positions. Here a new label's probability at a
frame is how far the position moves on; so the guess knows how many tokens were said without having
to learn to count, and each frame knows its position.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

FLOOR = 0.01
"""Probability that is spread over all tokens, so that a guess is never infinitely wrong."""


@dataclass(frozen=True)
class MiddleConfig:
    """Sizes of the head."""

    audio: int = 768
    """Width of the states it takes."""
    vocabulary: int = 1024
    """Tokens of text. The end mark follows them; the blank takes its place in the head."""
    width: int = 256
    heads: int = 4
    layers: int = 1


@dataclass(frozen=True)
class Guess:
    """What the audio says by itself."""

    log_probs: torch.Tensor
    """[B, S, vocabulary + 1] of labels at frames, blank last."""
    places: torch.Tensor
    """[B, S] the position that is being said at each frame."""
    count: torch.Tensor
    """[B] how many tokens are said, as a sum of probabilities."""
    new: torch.Tensor
    """[B, S] probability that a new token begins at a frame."""
    states: torch.Tensor
    """[B, S, width] what the labels are read from; the decoder listens to them."""

    def positions(self, length: int) -> torch.Tensor:
        """Log probabilities [B, length, vocabulary + 1] of tokens at positions, end mark last."""
        probs = self.log_probs[..., :-1].exp()
        text = probs / probs.sum(-1, keepdim=True).clamp(min=1e-6)
        at = self.places.floor().long()
        weight = self.new * (at < length)
        spread = F.one_hot(at.clamp(max=length - 1), length).to(weight) * weight[..., None]
        total = spread.sum(1)
        mean = spread.transpose(1, 2) @ text / total[..., None].clamp(min=1e-6)
        said = torch.arange(length)[None] < self.count.round()[:, None]
        full = torch.cat([mean, torch.zeros_like(mean[..., :1])], -1)
        end = F.one_hot(torch.tensor(full.shape[-1] - 1), full.shape[-1]).to(full)
        mixed = torch.where(said[..., None], full, end)
        return ((1 - FLOOR) * mixed + FLOOR / full.shape[-1]).clamp(min=1e-9).log()


class CtcMiddle(nn.Module):
    """Labels at frames, by one transformer layer.

    Args:
        config: sizes.
    """

    def __init__(self, config: MiddleConfig) -> None:
        super().__init__()
        self.config = config
        self.proj = nn.Linear(config.audio, config.width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.width, config.heads, 4 * config.width, 0.1, "gelu",
                batch_first=True, norm_first=True,
            )
            for _ in range(config.layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocabulary + 1)

    def forward(self, audio: torch.Tensor, heard: torch.Tensor | None = None) -> Guess:
        """The guess for states [B, S, audio].

        Args:
            audio: states.
            heard: [B, S] False where there is no audio; None: all of it is.
        """
        x = self.proj(audio)
        padding = None if heard is None else ~heard
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        states = self.norm(x)
        return cut(self.head(states).log_softmax(-1), states, heard)


def cut(log_probs: torch.Tensor, states: torch.Tensor, heard: torch.Tensor | None = None) -> Guess:
    """Cuts label probabilities [B, S, labels, blank last] into positions.

    A label counts where it begins: its probability, as far as the frame before did not have it.
    """
    text = log_probs[..., :-1].exp()
    before = F.pad(text, (0, 0, 1, 0))[:, :-1]
    new = (text * (1 - before)).sum(-1)
    if heard is not None:
        new = new * heard
    ends = new.cumsum(-1)
    return Guess(log_probs, (ends - new / 2).detach(), ends[:, -1], new, states)


def ctc_loss(
    guess: Guess, lengths: torch.Tensor, text: torch.Tensor, counts: torch.Tensor
) -> torch.Tensor:
    """CTC of the text [B, L] of which `counts` [B] tokens are real, over `lengths` [B] frames."""
    blank = guess.log_probs.shape[-1] - 1
    return F.ctc_loss(
        guess.log_probs.transpose(0, 1), text, lengths, counts, blank, zero_infinity=True
    )
