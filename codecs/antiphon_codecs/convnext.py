"""ConvNeXt blocks over time (Liu et al. 2022; in one dimension as in Vocos, Siuzdak 2023)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from antiphon_codecs.interruption import checkpoint


class ConvNeXt(nn.Module):
    """Depthwise convolution over time, then a two-layer perceptron, around a shortcut.

    Args:
        width: channels in and out.
        hidden: channels of the perceptron.
        kernel: frames of the depthwise convolution (odd).
        ahead: how many of the frames lie in the future; `kernel // 2` is centred, 0 is causal.
    """

    def __init__(self, width: int, hidden: int, kernel: int = 7, ahead: int = 0) -> None:
        super().__init__()
        self.padding = (kernel - 1 - ahead, ahead)
        self.depthwise = nn.Conv1d(width, width, kernel, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, T, width] to the same shape."""
        checkpoint()
        y = self.depthwise(F.pad(x.mT, self.padding)).mT
        return x + self.scale * self.down(F.gelu(self.up(self.norm(y))))
