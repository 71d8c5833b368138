"""The audio's own guess of the text (p_mid): a CTC head, cut into the positions of the canvas.

The paper does not say how its middle maps frames to positions. Here a new label's probability at a
frame is how far the position moves on; so the guess knows how many tokens were said without having
to learn to count, and each frame knows its position.

Whether a label is said at a frame is a number of its own (a factorized blank), so the few frames at
which one is are known before the labels of all tokens are computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

FLOOR = 0.01
"""Probability that is spread over all tokens, so that a guess is never infinitely wrong."""
SPOKEN = 0.02
"""Probability of a label from which a frame is looked at."""


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

    states: torch.Tensor
    """[B, S, width] what the labels are read from."""
    speaking: torch.Tensor
    """[B, S] probability of a label at a frame."""
    new: torch.Tensor
    """[B, S] probability that a new token begins at a frame."""
    at: tuple[torch.Tensor, torch.Tensor]
    """[A] and [A] clip and frame of the frames that are looked at."""
    text: torch.Tensor
    """[A, vocabulary] probabilities of the labels there, if there is one."""

    @property
    def places(self) -> torch.Tensor:
        """[B, S] the position that is being said at each frame."""
        return (self.new.cumsum(-1) - self.new / 2).detach()

    @property
    def count(self) -> torch.Tensor:
        """[B] how many tokens are said, as a sum of probabilities."""
        return self.new.sum(-1)

    def positions(self, length: int) -> torch.Tensor:
        """Log probabilities [B, length, vocabulary + 1] of tokens at positions, end mark last."""
        mean = self._mean(self.text, length)
        said = torch.arange(length)[None] < self.count.round()[:, None]
        full = F.pad(mean, (0, 1))
        end = F.one_hot(torch.tensor(full.shape[-1] - 1), full.shape[-1]).to(full)
        mixed = torch.where(said[..., None], full, end)
        return ((1 - FLOOR) * mixed + FLOOR / full.shape[-1]).clamp(min=1e-9).log()

    def said(self, length: int) -> torch.Tensor:
        """States [B, length, width] from which the labels at positions are read."""
        return self._mean(self.states[self.at], length)

    def _mean(self, values: torch.Tensor, length: int) -> torch.Tensor:
        """Means [B, length, N] of what [A, N] there is at the frames of each position."""
        clips = len(self.states)
        place = self.places[self.at].floor().long().clamp(0, length - 1)
        late = self.places[self.at] >= length
        weight = self.new[self.at].masked_fill(late, 0.0)
        row = self.at[0] * length + place
        total = torch.zeros(clips * length).index_add(0, row, weight)
        summed = torch.zeros(clips * length, values.shape[-1])
        summed = summed.index_add(0, row, values * weight[:, None])
        return (summed / total[:, None].clamp(min=1e-6)).view(clips, length, -1)


class CtcMiddle(nn.Module):
    """Labels at frames, by transformer layers.

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
        self.spoken = nn.Linear(config.width, 1)
        self.head = nn.Linear(config.width, config.vocabulary)

    def forward(self, audio: torch.Tensor, heard: torch.Tensor | None = None) -> Guess:
        """The guess for states [B, S, audio].

        Args:
            audio: states.
            heard: [B, S] False where there is no audio; None: all of it is.
        """
        states = self.read(audio, heard)
        speaking = self.spoken(states)[..., 0].sigmoid()
        if heard is not None:
            speaking = speaking * heard
        clip, frame = (speaking > SPOKEN).nonzero(as_tuple=True)
        text = self.head(states[clip, frame]).softmax(-1)
        return cut(states, speaking, (clip, frame), text)

    def read(self, audio: torch.Tensor, heard: torch.Tensor | None = None) -> torch.Tensor:
        """States [B, S, width] from which labels are read."""
        x = self.proj(audio)
        padding = None if heard is None else ~heard
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        states: torch.Tensor = self.norm(x)
        return states

    def log_probs(
        self,
        states: torch.Tensor,
        columns: torch.Tensor | None = None,
        correction: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Log probabilities [B, S, labels + 1] at all frames, blank last.

        Args:
            states: [B, S, width].
            columns: labels that are computed; None: all.
            correction: added to their logits, for those that stand for others, too.
        """
        if columns is None:
            logits = self.head(states)
        else:
            logits = F.linear(states, self.head.weight[columns], self.head.bias[columns])
        if correction is not None:
            logits = logits + correction
        spoken = self.spoken(states)
        text = logits.log_softmax(-1) + F.logsigmoid(spoken)
        return torch.cat([text, F.logsigmoid(-spoken)], -1)


def cut(
    states: torch.Tensor,
    speaking: torch.Tensor,
    at: tuple[torch.Tensor, torch.Tensor],
    text: torch.Tensor,
) -> Guess:
    """Cuts labels into positions.

    A label counts where it begins: its probability, as far as the frame before did not have it.

    Args:
        states: [B, S, width].
        speaking: [B, S] probability of a label.
        at: clip and frame of the frames that are looked at, in order.
        text: [A, labels] probabilities there.
    """
    full = text * speaking[at][:, None]
    follows = torch.zeros(len(full), dtype=torch.bool)
    follows[1:] = (at[0][1:] == at[0][:-1]) & (at[1][1:] == at[1][:-1] + 1)
    again = (full * F.pad(full, (0, 0, 1, 0))[:-1]).sum(-1)
    begins = full.sum(-1) - again * follows
    new = torch.zeros_like(speaking).index_put(at, begins)
    return Guess(states, speaking, new, at, text)


def ctc_loss(
    log_probs: torch.Tensor, lengths: torch.Tensor, text: torch.Tensor, counts: torch.Tensor
) -> torch.Tensor:
    """CTC of the text [B, L] of which `counts` [B] tokens are real, over `lengths` [B] frames.

    Args:
        log_probs: [B, S, labels + 1], blank last.
        lengths: frames that are real.
        text: labels.
        counts: tokens that are real.
    """
    blank = log_probs.shape[-1] - 1
    return F.ctc_loss(log_probs.transpose(0, 1), text, lengths, counts, blank, zero_infinity=True)
