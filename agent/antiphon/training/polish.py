"""Polish the codec's decoder by ear: units stay what they are, only how they sound improves.

The latent's squared error weighs all of its dimensions alike; the ear does not. Here the decoder
learns through the frozen generator, by spectra at three resolutions (Yamamoto et al., "Parallel
WaveGAN", 2020, equations 4 to 6). Generators trained on the codec's units remain valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from antiphon_codecs.unit_codec import UnitCodec
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from antiphon.training.codec import BATCH, FRAMES, HELD_OUT
from antiphon.training.loop import Schedule, fit

HEARD = 40
"""Latent frames of each piece that are turned to sound."""
RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))
"""Window and hop of each spectrum."""


def spectral_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Spectral convergence plus L1 of log magnitudes of two waveforms [B, N]."""
    distances = []
    for size, hop in RESOLUTIONS:
        window = torch.hann_window(size)
        x, y = (
            torch.stft(w, size, hop, window=window, return_complex=True).abs().clamp_min(1e-4)
            for w in (a, b)
        )
        distances.append((y - x).norm() / y.norm() + F.l1_loss(x.log(), y.log()))
    return torch.stack(distances).mean()


class Polish(nn.Module):
    """Losses of the decoder on random pieces of latents."""

    def __init__(self, codec: UnitCodec, latents: list[NDArray[np.float16]]) -> None:
        super().__init__()
        self.codec = codec
        codec.requires_grad_(False)
        codec.decoder.requires_grad_(True)
        frames = torch.from_numpy(np.concatenate(latents))
        kept = int(len(frames) * (1 - HELD_OUT))
        self.train_frames, self.held_frames = frames[:kept], frames[kept:]

    def step(self, step: int) -> Mapping[str, torch.Tensor]:
        """Losses on the batch of `step`."""
        return self.losses(self.train_frames, step)

    def held_out(self) -> dict[str, float]:
        """Figures on speech training never sees."""
        rows = [self.losses(self.held_frames, i) for i in range(3)]
        return {name: float(torch.stack([r[name] for r in rows]).mean()) for name in rows[0]}

    def losses(self, frames: torch.Tensor, step: int) -> dict[str, torch.Tensor]:
        """Squared error of the latent and distance of the spectra."""
        codec = self.codec
        draw = torch.Generator().manual_seed(step)
        starts = torch.randint(len(frames) - FRAMES, (BATCH,), generator=draw)
        z = torch.stack([frames[i : i + FRAMES] for i in starts.tolist()]).float()
        x = codec.normalize(z)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            code = codec.encoder(codec.patches(x))
        units = codec.quantizer.nearest(code)
        with torch.autocast("cpu", torch.bfloat16):
            y = codec.frames(codec.decoder(F.embedding(units, codec.quantizer.codebook))).float()
        mse = F.mse_loss(y, x)
        at = int(torch.randint(FRAMES - HEARD, (1,), generator=draw))
        piece = slice(at, at + HEARD)
        with torch.no_grad():
            wanted = codec.generator(z[:, piece])
        spectrum = spectral_distance(codec.generator(codec.denormalize(y[:, piece])), wanted)
        return {"loss": spectrum + mse, "mse": mse, "spectrum": spectrum}


def train(
    codec: UnitCodec,
    latents: list[NDArray[np.float16]],
    out: Path,
    *,
    steps: int = 400,
    minutes: float | None = None,
    seed: int = 0,
) -> UnitCodec:
    """Train, or go on training, the decoder of a finished codec in `out`."""
    task = Polish(codec, latents)
    schedule = Schedule(steps, lr=3e-4, warmup=30)
    fit(
        task,
        task.step,
        schedule,
        out,
        minutes=minutes,
        seed=seed,
        evaluate=task.held_out,
        evaluate_every=100,
    )
    return codec.eval()
