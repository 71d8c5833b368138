"""What a mixture of experts is compared with: low-rank corrections for one rate, or for several."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.recognition.mome.experts import Pass

Scope = Literal["shared", "rate", "both"]
"""Who a correction serves: all rates (MTSK-SS), one each (MS), or the sum of the two (MSS)."""


class LowRank(nn.Module):
    """Corrections up(down(x)) of a frozen linear layer; they begin as nothing (Hu et al. 2021).

    Args:
        inputs: width of what goes in.
        outputs: width of what comes out.
        rank: of each correction.
        scope: how rates share them.
        scales: how many rates there are.
    """

    def __init__(
        self, inputs: int, outputs: int, rank: int, scope: Scope = "shared", scales: int = 1
    ) -> None:
        super().__init__()
        self.scope = scope
        count = {"shared": 1, "rate": scales, "both": scales + 1}[scope]
        self.down = nn.Parameter(torch.randn(count, rank, inputs) / inputs**0.5)
        self.up = nn.Parameter(torch.zeros(count, outputs, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What is added to the layer [..., outputs] whose input x [..., inputs] is."""
        scale = Pass.current().scale
        mine = {"shared": (0,), "rate": (scale,), "both": (scale, -1)}[self.scope]
        parts = [
            F.linear(F.linear(x, self.down[i].to(x.dtype)), self.up[i].to(x.dtype)) for i in mine
        ]
        return torch.stack(parts).sum(0)

    def active(self) -> int:
        """Parameters that a token goes through."""
        one = self.down[0].numel() + self.up[0].numel()
        return one * (2 if self.scope == "both" else 1)
