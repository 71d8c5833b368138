"""The HiFi-GAN generator of a Piper (VITS) voice: latent frames to sound.

Kong et al., "HiFi-GAN", NeurIPS 2020, with the two-convolution residual blocks ("ResBlock2").
Parameter names follow VITS checkpoints (`conv_pre`, `ups`, `resblocks.N.convs.M`, `conv_post`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from antiphon_codecs.interruption import checkpoint

UPSAMPLE = ((8, 16), (8, 16), (4, 8))
"""Factor and kernel of every upsampling stage; their product is `HOP`."""
KERNELS = (3, 5, 7)
DILATIONS = ((1, 2), (2, 6), (3, 12))
HOP = 256
"""Samples a latent frame."""
CONTEXT = 12
"""Latent frames on either side that can change a frame's samples (10.7, rounded up)."""


class ResBlock(nn.Module):
    """Two dilated convolutions, each around its own shortcut."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2)
            for d in dilations
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, T] to the same shape."""
        checkpoint()
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, 0.1))
        return x


class HifiGan(nn.Module):
    """Latent to waveform.

    Args:
        latent: channels of a latent frame.
        channels: width after the first convolution; halves with every stage.
    """

    def __init__(self, latent: int = 192, channels: int = 256) -> None:
        super().__init__()
        self.conv_pre = nn.Conv1d(latent, channels, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for factor, kernel in UPSAMPLE:
            self.ups.append(
                nn.ConvTranspose1d(
                    channels, channels // 2, kernel, factor, padding=(kernel - factor) // 2
                )
            )
            channels //= 2
            self.resblocks.extend(
                ResBlock(channels, k, d) for k, d in zip(KERNELS, DILATIONS, strict=True)
            )
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=False)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Waveform [B, T * 256] in [-1, 1] of latents [B, T, 192]."""
        x = self.conv_pre(z.mT)
        for i, up in enumerate(self.ups):
            checkpoint()
            x = up(F.leaky_relu(x, 0.1))
            blocks = self.resblocks[i * len(KERNELS) : (i + 1) * len(KERNELS)]
            x = torch.stack([block(x) for block in blocks]).mean(0)
        return torch.tanh(self.conv_post(F.leaky_relu(x, 0.01))).squeeze(1)
