"""Says when words begin and end, from how a Whisper reads them: all of them in one pass.

The idea is that of Qwen3's forced aligner (arXiv 2601.21337, sec. 2.3): each word has two slots,
and a slot's answer is one of many classes of time. What differs: the classes are places around
where the decoder's attention was while it read the word, so the recording may be of any length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.alignment.text_reading import FACTS, ROWS, WINDOW

CLASSES = 2
"""Classes of time in an encoder state of 20 ms."""


@dataclass(frozen=True)
class SlotHeadConfig:
    """Sizes."""

    width: int = 384
    """Of Whisper's states."""
    bands: int = 80
    heads: int = 8
    """Of the decoder that follow the audio."""
    hidden: int = 64
    """Of a place."""
    channels: int = 32
    """Of a word's map over time."""
    products: int = 8
    """Between a word and a place."""
    kernel: int = 7


class SlotHead(nn.Module):
    """Scores of the starts and ends of words at the places of their windows.

    Args:
        config: sizes.
    """

    def __init__(self, config: SlotHeadConfig) -> None:
        super().__init__()
        self.config = config
        hidden, channels, pad = config.hidden, config.channels, config.kernel // 2
        self.frame_norm = nn.LayerNorm(config.width)
        self.from_frames = nn.Linear(config.width, hidden)
        self.from_mel = nn.Linear(CLASSES * config.bands, hidden)
        self.frame_layers = nn.ModuleList(nn.Conv1d(hidden, hidden, 5, padding=2) for _ in range(2))
        self.keys = nn.Linear(hidden, 16 * config.products)
        self.place = nn.Linear(hidden, channels)
        self.word_norm = nn.LayerNorm(3 * config.width)
        self.from_words = nn.Linear(3 * config.width + FACTS, 2 * hidden)
        self.neighbours = nn.Conv1d(2 * hidden, 2 * hidden, 3, padding=1)
        self.queries = nn.Linear(2 * hidden, 16 * config.products)
        self.word = nn.Linear(2 * hidden, channels)
        rows = ROWS * config.heads + 1 + config.products
        self.maps = nn.ModuleList(
            nn.Conv1d(rows if i == 0 else channels, channels, config.kernel,
                      padding=pad * 2**i, dilation=2**i)
            for i in range(3)
        )  # fmt: skip
        self.slots = nn.Conv1d(channels, 2 * CLASSES, 1)
        self.said = nn.Sequential(
            nn.Linear(2 * hidden + channels, hidden), nn.GELU(), nn.Linear(hidden, 1)
        )

    def places(self, frames: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
        """What is heard at each place [B, T, hidden].

        Args:
            frames: [B, T, width] encoder states.
            mel: [B, 2 T, bands] scaled log-mel frames.
        """
        pairs = mel.reshape(len(mel), frames.shape[1], -1)
        x = self.from_frames(self.frame_norm(frames)) + self.from_mel(pairs)
        x = x.transpose(1, 2)
        for layer in self.frame_layers:
            x = x + layer(F.gelu(x))
        return x.transpose(1, 2)

    def words(self, states: torch.Tensor) -> torch.Tensor:
        """What is sought for each word [W, 2 hidden], from [W, 3 width + FACTS]."""
        wide, facts = states.split([3 * self.config.width, FACTS], -1)
        x = F.gelu(self.from_words(torch.cat([self.word_norm(wide), facts], -1)))
        mixed: torch.Tensor = x + F.gelu(self.neighbours(x.T[None]))[0].T
        return mixed

    def forward(
        self,
        places: torch.Tensor,
        words: torch.Tensor,
        looks: torch.Tensor,
        firsts: torch.Tensor,
        row: torch.Tensor,
        lengths: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores of words in a batch of recordings.

        Args:
            places: [B, T, hidden] of the recordings.
            words: [W, 2 hidden] of all words.
            looks: [W, rows, WINDOW] of all words (`text_reading.word_windows`).
            firsts: [W] states at which their windows begin.
            row: [W] whose recording each belongs to.
            lengths: [B] encoder states of each recording.

        Returns:
            [W, 2, CLASSES WINDOW] log-probabilities of the starts and ends in classes of 10 ms from
            the beginning of the window, and [W] log odds that the word is said.
        """
        at = firsts[:, None] + torch.arange(WINDOW)
        outside = (at < 0) | (at >= lengths[row][:, None])
        near = places[row[:, None], at.clamp(0, places.shape[1] - 1)]
        near = near.masked_fill(outside[..., None], 0.0)
        products = self.config.products
        keys = self.keys(near).unflatten(-1, (products, 16))
        queries = self.queries(words).unflatten(-1, (products, 16))
        dots = (keys * queries[:, None]).sum(-1).transpose(1, 2) / 4
        x = self.maps[0](torch.cat([looks, dots], 1))
        x = x + self.place(near).transpose(1, 2) + self.word(words)[..., None]
        for layer in list(self.maps)[1:]:
            x = x + layer(F.gelu(x))
        x = F.gelu(x)
        logits = self.slots(x).unflatten(1, (2, CLASSES)).transpose(2, 3)
        logits = logits.masked_fill(outside[:, None, :, None], -1e4)
        scores = logits.flatten(2).log_softmax(-1)
        best = scores.exp().mean(1).unflatten(-1, (WINDOW, CLASSES)).sum(-1)
        seen = torch.einsum("wt,wct->wc", best, x)
        said = self.said(torch.cat([words, seen], -1))[:, 0]
        return scores, said
