"""The student encoder: anybody's speech to the units of a `UnitCodec`.

The codec's own encoder knows only its teacher's latents. The student reads what a speech
recognizer's encoder makes of the sound: that tells what is said, hardly by whom, so a student that
has only heard its teacher understands others, too.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from antiphon_codecs.codec import Pcm
from antiphon_codecs.convnext import ConvNeXt

SpeechEncoder = Callable[[Pcm], torch.Tensor]
"""Samples [N] at `SAMPLE_RATE` to states [T, width], `STATES` a second."""
SAMPLE_RATE = 16_000
STATES = 50
"""States a second, as Whisper has them; each is centred on its 20 ms."""
KERNEL = 9


class StudentEncoder(nn.Module):
    """A recognizer's states to logits over units.

    Args:
        codes: how many units there are.
        unit_rate: units a second.
        states: width of the recognizer's states.
        width: channels.
        blocks: ConvNeXt blocks, all centred.
    """

    def __init__(self, codes: int, unit_rate: float, states: int, width: int, blocks: int) -> None:
        super().__init__()
        self.unit_rate = unit_rate
        self.enter = nn.Sequential(nn.LayerNorm(states), nn.Linear(states, width))
        self.net = nn.Sequential(
            *(ConvNeXt(width, 2 * width, KERNEL, KERNEL // 2) for _ in range(blocks)),
            nn.LayerNorm(width),
            nn.Linear(width, codes),
        )

    def forward(self, states: torch.Tensor, units: int) -> torch.Tensor:
        """Logits [B, units, codes] of the first so many units of states [B, T, width], T > 0."""
        middle = (torch.arange(units) + 0.5) / self.unit_rate * STATES - 0.5
        place = middle.clamp(0, states.shape[1] - 1)
        below = place.floor().long()
        above = (below + 1).clamp_max(states.shape[1] - 1)
        share = (place - below)[:, None]
        x = self.enter(states)
        logits: torch.Tensor = self.net(x[:, below] * (1 - share) + x[:, above] * share)
        return logits

    def units(self, states: torch.Tensor, count: int) -> torch.Tensor:
        """Units [count], int64, of states [T, width]."""
        if not count:
            return torch.zeros(0, dtype=torch.long)
        return self(states[None].float(), count)[0].argmax(-1)
