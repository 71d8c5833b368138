"""A running average of the weights, which is better than the last of them."""

from __future__ import annotations

import torch
from torch import nn

from antiphon.recognition.drax.checkpoint import DraxModel

AVERAGE = 0.998
"""How much of the average of the decoder's weights a step leaves."""


class Averaged(nn.Module):
    """A model and the running average of its decoder's weights.

    Args:
        model: what learns.
    """

    def __init__(self, model: DraxModel) -> None:
        super().__init__()
        self.model = model
        self.steps: torch.Tensor
        self.register_buffer("steps", torch.zeros(()))
        self.names = [n for n, p in model.named_parameters() if p.requires_grad]
        for i, value in enumerate(self._values()):
            self.register_buffer(f"average_{i}", value.detach().clone())

    def _values(self) -> list[torch.Tensor]:
        known = dict(self.model.named_parameters())
        return [known[name] for name in self.names]

    @torch.no_grad()
    def update(self) -> None:
        """Take the present weights into the average; early ones soon count little."""
        self.steps += 1
        keep = min(AVERAGE, float(self.steps / (10 + self.steps)))
        for i, value in enumerate(self._values()):
            self.get_buffer(f"average_{i}").lerp_(value, 1 - keep)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange weights and average."""
        for i, value in enumerate(self._values()):
            average = self.get_buffer(f"average_{i}")
            now = value.clone()
            value.copy_(average)
            average.copy_(now)
