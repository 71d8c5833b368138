"""The pronouncer: spelling and token vectors to sounds, monotonic by construction.

Every character owns `SLOTS` places in which it may utter a sound or stay silent, read off as CTC
does (Graves et al. 2006). So no character can be skipped, repeated or run away with, and every
sound knows the character, hence the token, that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from antiphon_codecs.convnext import ConvNeXt

ALPHABET = " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'-,.:;!?—"
SLOTS = 3
UNKNOWN = 0
"""Character id for padding and for anything outside the alphabet."""


def character_ids(text: str) -> list[int]:
    """Id of every character of `text`; 0 for one outside the alphabet."""
    return [ALPHABET.find(c) + 1 for c in text]


@dataclass(frozen=True)
class PronouncerConfig:
    """Sizes of a `Pronouncer`."""

    sounds: int
    """Size of the voice's inventory of sounds."""
    hidden: int
    """Width H of the language model."""
    width: int = 256
    inner: int = 640
    blocks: int = 6
    kernel: int = 7


class Pronouncer(nn.Module):
    """Characters with their tokens' vectors to sounds.

    Args:
        config: sizes.
    """

    def __init__(self, config: PronouncerConfig) -> None:
        super().__init__()
        self.config = config
        c = config
        self.characters = nn.Embedding(len(ALPHABET) + 1, c.width)
        self.tokens = nn.Linear(c.hidden, c.width)
        self.blocks = nn.ModuleList(
            ConvNeXt(c.width, c.inner, c.kernel, c.kernel // 2) for _ in range(c.blocks)
        )
        self.slots = nn.Linear(c.width, SLOTS * c.width)
        self.norm = nn.LayerNorm(c.width)
        self.head = nn.Linear(c.width, c.sounds + 1)

    @property
    def blank(self) -> int:
        """Class of a slot that stays silent."""
        return self.config.sounds

    def forward(
        self, characters: torch.Tensor, vectors: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Score the sounds of every slot.

        Args:
            characters: [B, C] character ids.
            vectors: [B, C, H] vector of the token each character belongs to (root mean square
                near one); zeros where there is none.
            mask: [B, C] True for characters, False for padding.

        Returns:
            [B, C * SLOTS, sounds + 1] log-probabilities, the blank last.
        """
        keep = mask[..., None]
        x = (self.characters(characters) + self.tokens(vectors)) * keep
        for block in self.blocks:
            x = block(x) * keep
        x = torch.nn.functional.gelu(self.slots(x)).unflatten(-1, (SLOTS, -1)).flatten(1, 2)
        logits: torch.Tensor = self.head(self.norm(x))
        return logits.float().log_softmax(-1)

    def read(self, scores: torch.Tensor) -> tuple[list[int], list[int]]:
        """Best sounds of one text and the character each came from.

        Args:
            scores: [C * SLOTS, sounds + 1] of `forward`.
        """
        best = scores.argmax(-1).tolist()
        sounds, characters = [], []
        before = self.blank
        for slot, sound in enumerate(best):
            if sound not in (self.blank, before):
                sounds.append(sound)
                characters.append(slot // SLOTS)
            before = sound
        return sounds, characters


def unit_scale(vectors: torch.Tensor) -> torch.Tensor:
    """Vectors [..., H] scaled to a root mean square of one (zeros stay zeros)."""
    scale = vectors.float().square().mean(-1, keepdim=True).clamp_min(1e-12).sqrt()
    return vectors / torch.where(scale > 1e-5, scale, torch.ones_like(scale)).to(vectors.dtype)
