"""The voice: sounds to lengths, and sounds with lengths to what the unit LM must know at each unit.

Attention need not find out what is being spoken (two cores cannot pay for that): the teacher's
exact durations say it. Both encoders are convolutions that see a few sounds to either side, so a
segment spoken after another only needs its last sounds as context.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from antiphon_codecs.convnext import ConvNeXt

MAX_UNITS = 64
"""Units of the longest sound that can be asked for (0.74 s)."""


@dataclass(frozen=True)
class DurationConfig:
    """Sizes of a `DurationModel`."""

    sounds: int
    hidden: int
    """Width H of the language model."""
    width: int = 256
    inner: int = 640
    sound_blocks: int = 4
    unit_blocks: int = 3
    kernel: int = 7


class DurationModel(nn.Module):
    """Encoders of sounds and of their course in time.

    Args:
        config: sizes.
    """

    def __init__(self, config: DurationConfig) -> None:
        super().__init__()
        self.config = config
        c = config
        self.sounds = nn.Embedding(c.sounds, c.width)
        self.tokens = nn.Linear(c.hidden, c.width, bias=False)
        self.sound_blocks = nn.ModuleList(
            ConvNeXt(c.width, c.inner, c.kernel, c.kernel // 2) for _ in range(c.sound_blocks)
        )
        self.length_norm = nn.LayerNorm(c.width)
        self.length_head = nn.Linear(c.width, MAX_UNITS)
        self.place = nn.Linear(4, c.width)
        self.unit_blocks = nn.ModuleList(
            ConvNeXt(c.width, c.inner, c.kernel, c.kernel // 2) for _ in range(c.unit_blocks)
        )

    def encode(
        self, sounds: torch.Tensor, vectors: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """States [B, S, width] of sounds.

        Args:
            sounds: [B, S] ids.
            vectors: [B, S, H] vector of the token each sound belongs to, at unit scale.
            mask: [B, S] True for sounds, False for padding.
        """
        keep = mask[..., None]
        x = (self.sounds(sounds) + self.tokens(vectors)) * keep
        for block in self.sound_blocks:
            x = block(x) * keep
        return x

    def length_scores(self, states: torch.Tensor) -> torch.Tensor:
        """Logits [B, S, LONGEST] of a sound lasting 1, 2, ... units."""
        logits: torch.Tensor = self.length_head(self.length_norm(states))
        return logits.float()

    def condition(
        self, states: torch.Tensor, owner: torch.Tensor, place: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """What is being spoken at every unit, [B, T, width].

        Args:
            states: [B, S, width] of `encode`.
            owner: [B, T] index of the sound that each unit belongs to.
            place: [B, T, 4] where inside its sound the unit lies (see `places`).
            mask: [B, T] True for units, False for padding.
        """
        keep = mask[..., None]
        own = states.gather(1, owner[..., None].expand(-1, -1, states.shape[-1]))
        x = (own + self.place(place.to(states.dtype))) * keep
        for block in self.unit_blocks:
            x = block(x) * keep
        return x

    @property
    def sound_reach(self) -> int:
        """Sounds to either side that can change a sound's state."""
        return self.config.sound_blocks * (self.config.kernel // 2)

    @property
    def unit_reach(self) -> int:
        """Units to either side that can change a unit's condition."""
        return self.config.unit_blocks * (self.config.kernel // 2)


def drawn(
    scores: torch.Tensor,
    liveliness: float,
    generator: torch.Generator | None = None,
    scale: float = 1.0,
) -> torch.Tensor:
    """Lengths [S], at least one unit each, drawn from `DurationModel.length_scores`.

    Short lengths are likelier than long ones, so drawing at a low temperature alone makes speech
    hurry (by 3 % at 0.3): what it takes from the mean is given back. Fractions of a unit are
    carried on to the next sound.

    Args:
        scores: [S, MAX_UNITS] logits.
        liveliness: temperature; 0 gives every sound its mean.
        generator: source of chance; torch's own if None.
        scale: all lengths are multiplied by it.
    """
    units = torch.arange(1.0, scores.shape[-1] + 1)
    exact = scores.softmax(-1) @ units
    if liveliness > 0:
        chances = (scores / liveliness).softmax(-1)
        sample = torch.multinomial(chances, 1, generator=generator)[:, 0] + 1
        exact = exact + sample - chances @ units
    ends = (scale * exact).clamp_min(1).cumsum(0).round().long()
    return ends.diff(prepend=ends.new_zeros(1)).clamp_min(1)


def places(lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where every unit of one utterance lies.

    Args:
        lengths: [S] units of each sound.

    Returns:
        [T] index of the sound of each unit, and [T, 4]: how far into the sound (0 to 1), units
        since its start and units to its end (log scale), and the log of its length.
    """
    owner = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    starts = lengths.cumsum(0) - lengths
    offset = (torch.arange(len(owner)) - starts[owner]).float()
    length = lengths[owner].float()
    left = length - offset
    features = [(offset + 0.5) / length, offset.log1p(), left.log(), length.log()]
    return owner, torch.stack(features, -1)
