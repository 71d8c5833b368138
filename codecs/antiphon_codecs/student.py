"""The student encoder: anybody's waveform to the units of a `UnitCodec`.

The codec's own encoder knows only its teacher's latents. The student listens instead: a log-mel
spectrogram whose frames lie exactly where the units' samples lie, then ConvNeXt blocks.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from antiphon_codecs.convnext import ConvNeXt
from antiphon_codecs.hifigan import HOP

WINDOW = 1024
"""Samples of a frame's window; it is centred on the frame's `HOP` samples."""
BANDS = 80
HIGHEST = 7600.0
"""Hertz; above it, sound recorded at 16 kHz holds nothing."""
DECADES = 7.0
"""How far below the loudest moment of a clip sound is still heard."""
KERNEL = 9


def mel_filters(sample_rate: int) -> torch.Tensor:
    """[WINDOW / 2 + 1, BANDS] triangles, evenly spaced on O'Shaughnessy's mel scale."""
    top = 2595 * torch.log10(torch.tensor(1 + HIGHEST / 700))
    corners = 700 * (10 ** (torch.linspace(0, float(top), BANDS + 2) / 2595) - 1)
    hertz = torch.linspace(0, sample_rate / 2, WINDOW // 2 + 1)[:, None]
    # The lowest bands are narrower than a bin of the transform: no triangle may fall between two.
    width = corners.diff().clamp_min(sample_rate / WINDOW)
    rise = 1 - (corners[1:-1] - hertz) / width[:-1]
    fall = 1 - (hertz - corners[1:-1]) / width[1:]
    filters = torch.minimum(rise, fall).clamp_min(0)
    return filters / filters.sum(0)


class StudentEncoder(nn.Module):
    """Waveform to logits over units.

    Args:
        codes: how many units there are.
        stride: frames of `HOP` samples a unit.
        sample_rate: of the waveform.
        width: channels.
        blocks: ConvNeXt blocks, all centred.
    """

    def __init__(self, codes: int, stride: int, sample_rate: int, width: int, blocks: int) -> None:
        super().__init__()
        self.stride = stride
        self.filters = nn.Buffer(mel_filters(sample_rate), persistent=False)
        self.window = nn.Buffer(torch.hann_window(WINDOW), persistent=False)
        self.net = nn.Sequential(
            nn.Linear(BANDS * stride, width),
            *(ConvNeXt(width, 2 * width, KERNEL, KERNEL // 2) for _ in range(blocks)),
            nn.LayerNorm(width),
            nn.Linear(width, codes),
        )

    def mel(self, pcm: torch.Tensor) -> torch.Tensor:
        """Log-mel frames of whole units, whatever the level of the sound.

        Args:
            pcm: [B, N] samples.

        Returns:
            [B, ceil(N / (HOP * stride)) * stride, BANDS], from -1 (`DECADES` below the loudest
            band of the clip) to 1.
        """
        rest = -pcm.shape[-1] % (HOP * self.stride)
        side = (WINDOW - HOP) // 2
        frames = F.pad(pcm, (side, side + rest)).unfold(-1, WINDOW, HOP) * self.window
        energy = torch.fft.rfft(frames).abs().square() @ self.filters
        loudest = energy.amax((-2, -1), keepdim=True).clamp_min(1e-10)
        return (energy / loudest).clamp_min(10**-DECADES).log10() * (2 / DECADES) + 1

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Logits [B, T / stride, codes] of log-mel frames [B, T, BANDS]."""
        return self.net(mel.reshape(mel.shape[0], -1, self.stride * BANDS))

    def units(self, pcm: torch.Tensor) -> torch.Tensor:
        """Units [ceil(N / (HOP * stride))], int64, of samples [N]."""
        if not len(pcm):
            return torch.zeros(0, dtype=torch.long)
        return self(self.mel(pcm[None].float()))[0].argmax(-1)
