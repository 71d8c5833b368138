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

from antiphon.recognition.alignment.viterbi import align
from antiphon_codecs.convnext import ConvNeXt

FLOOR = 0.01
"""Probability that is spread over all tokens, so that a guess is never infinitely wrong."""
REACH = 11
"""States a convolution sees."""
SPOKEN = 0.1
"""Probability of any label from which a frame is looked at."""
EAGER = 0.25
"""How likely the likeliest label must be, as a share of none, to be a token: the head leaves out
more tokens than it adds."""


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
    blocks: int = 0
    """Convolutions over eleven states each, before the layers, which know no distance."""


@dataclass(frozen=True)
class Guess:
    """What the audio says by itself."""

    states: torch.Tensor
    """[B, S, width] what the labels are read from."""
    speaking: torch.Tensor
    """[B, S] probability of a label at a frame."""
    new: torch.Tensor
    """[B, S] 1 at the frames of tokens, 0 elsewhere."""
    at: tuple[torch.Tensor, torch.Tensor]
    """[A] and [A] clip and frame of the tokens, in order."""
    text: torch.Tensor
    """[A, vocabulary] probabilities of the labels there, if there is one."""

    @property
    def places(self) -> torch.Tensor:
        """[B, S] the position that is being said at each frame."""
        return (self.new.cumsum(-1) - self.new / 2).detach()

    @property
    def count(self) -> torch.Tensor:
        """[B] how many tokens are said."""
        return self.new.sum(-1)

    def positions(self, length: int) -> torch.Tensor:
        """Log probabilities [B, length, vocabulary + 1] of tokens at positions, end mark last."""
        said = torch.arange(length)[None] < self.count[:, None]
        full = F.pad(self._placed(self.text, length), (0, 1))
        end = F.one_hot(torch.tensor(full.shape[-1] - 1), full.shape[-1]).to(full)
        mixed = torch.where(said[..., None], full, end)
        return ((1 - FLOOR) * mixed + FLOOR / full.shape[-1]).clamp(min=1e-9).log()

    def draft(self, length: int) -> torch.Tensor:
        """The likeliest tokens [B, length] at positions; end marks behind them."""
        likeliest = self.text.argmax(-1, keepdim=True).to(self.states)
        placed = self._placed(likeliest, length)[..., 0].long()
        said = torch.arange(length)[None] < self.count[:, None]
        return torch.where(said, placed, self.text.shape[-1])

    def said(self, length: int) -> torch.Tensor:
        """States [B, length, width] from which the labels at positions are read."""
        return self._placed(self.states[self.at], length)

    def told(self, length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the decoder is told: `places`, and `said` and `draft` of so many positions."""
        return self.places, self.said(length), self.draft(length)

    def _placed(self, values: torch.Tensor, length: int) -> torch.Tensor:
        """What [A, N] there is at the frames of tokens, by position: [B, length, N]."""
        place = self.places[self.at].floor().long()
        inside = place < length
        row = self.at[0][inside] * length + place[inside]
        found = torch.zeros(len(self.states) * length, values.shape[-1])
        return found.index_put((row,), values[inside]).view(-1, length, values.shape[-1])


class CtcMiddle(nn.Module):
    """Labels at frames, by transformer layers.

    Args:
        config: sizes.
    """

    begins: torch.Tensor

    def __init__(self, config: MiddleConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("begins", torch.ones(config.vocabulary, dtype=torch.bool))
        """[vocabulary] False for pieces that continue a word."""
        self.proj = nn.Linear(config.audio, config.width)
        sizes = (config.width, 4 * config.width, REACH, REACH // 2)
        self.blocks = nn.Sequential(*(ConvNeXt(*sizes) for _ in range(config.blocks)))
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

    def forward(
        self, audio: torch.Tensor, heard: torch.Tensor | None = None, eager: float = EAGER
    ) -> Guess:
        """The guess for states [B, S, audio].

        Args:
            audio: states.
            heard: [B, S] False where there is no audio; None: all of it is.
            eager: see `EAGER`.
        """
        states = self.read(audio, heard)
        speaking = self.spoken(states)[..., 0].sigmoid()
        if heard is not None:
            speaking = speaking * heard
        at = (speaking > SPOKEN).nonzero(as_tuple=True)
        return cut(states, speaking, at, self.head(states[at]).softmax(-1), self.begins, eager)

    def read(self, audio: torch.Tensor, heard: torch.Tensor | None = None) -> torch.Tensor:
        """States [B, S, width] from which labels are read."""
        x = self.blocks(self.proj(audio))
        padding = None if heard is None else ~heard
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        states: torch.Tensor = self.norm(x)
        return states

    @torch.no_grad()
    def aligned(self, audio: torch.Tensor, text: list[int]) -> Guess | None:
        """The same for states [1, S, audio] of which the text is known; None: it does not fit.

        Every token has the one frame at which it is said, by the best path.
        """
        states = self.read(audio)
        columns, places = torch.tensor(text).unique(return_inverse=True)
        scores = self.log_probs(states, columns)[0].numpy()
        slots = align(scores, places.tolist(), scores.shape[1] - 1)
        if not slots:
            return None
        frame = torch.tensor(slots)
        new = torch.zeros(states.shape[:2])
        new[0, frame] = 1.0
        at = (torch.zeros_like(frame), frame)
        labels = self.head(states[at]).softmax(-1)
        return Guess(states, new, new, at, labels)

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
        spoken = self.spoken(states).float()
        text = logits.float().log_softmax(-1) + F.logsigmoid(spoken)
        return torch.cat([text, F.logsigmoid(-spoken)], -1)


def cut(
    states: torch.Tensor,
    speaking: torch.Tensor,
    at: tuple[torch.Tensor, torch.Tensor],
    text: torch.Tensor,
    begins: torch.Tensor,
    eager: float = EAGER,
) -> Guess:
    """Cuts labels into positions: one for each run of frames that have a label.

    Words are never as close as two frames, so of a run the likeliest label is said; but a piece
    that continues a word may follow at once.

    Args:
        states: [B, S, width].
        speaking: [B, S] probability of a label.
        at: clip and frame of the frames that are looked at, in order.
        text: [A, labels] probabilities there.
        begins: see `CtcMiddle`.
        eager: see `EAGER`.
    """
    spoken = speaking[at]
    best, label = text.max(-1)
    likely, silent = (best * spoken).tolist(), (1 - spoken).tolist()
    labels, first = label.tolist(), begins[label].tolist()
    chosen, last = list[int](), (-1, -1)
    for i, place in enumerate(zip(at[0].tolist(), at[1].tolist(), strict=True)):
        if likely[i] <= eager * silent[i]:
            continue
        follows = place == (last[0], last[1] + 1)
        if not follows or (labels[i] != labels[chosen[-1]] and not first[i]):
            chosen.append(i)
        elif likely[i] > likely[chosen[-1]]:
            chosen[-1] = i
        last = place
    rows = torch.tensor(chosen, dtype=torch.long)
    peaks = at[0][rows], at[1][rows]
    new = torch.zeros_like(speaking).index_put(peaks, torch.ones(len(rows)))
    return Guess(states, speaking, new, peaks, text[rows])


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
