"""Train the unit codec on the teacher's latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.precision import mixed_precision
from antiphon.training.corpora.voice.teacher import Teacher
from antiphon.training.corpora.voice.teacher_latents import Corpus
from antiphon.training.loop import Schedule, fit
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig

BATCH = 16
FRAMES = 172
"""Latent frames per piece (two seconds)."""
NOISE = 0.667
"""Piper's default noise scale."""
ROUGHNESS = 0.5
"""Share of that noise added to a decoded latent; all of it lowers intelligibility."""
RARE_FRAMES = 50
"""Frames of a unit that weigh as much as the variance over all units."""
HELD_OUT_SHARE = 0.03
"""Share of the corpus, at the end, that is held out."""


def generator_weights(voice: Path) -> dict[str, torch.Tensor]:
    """Extract the HiFi-GAN parameters from a Piper voice's ONNX file."""
    import onnx
    from onnx import numpy_helper

    return {
        tensor.name.removeprefix("dec."): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in onnx.load(voice).graph.initializer
        if tensor.name.startswith("dec.")
    }


def new_codec(
    corpus: Corpus, voice: Path, config: UnitCodecConfig, start: UnitCodec | None = None
) -> UnitCodec:
    """An untrained codec around the voice's frozen generator, or what another one has learnt."""
    codec = UnitCodec(config)
    if start is not None:
        codec.encoder.load_state_dict(start.encoder.state_dict())
        codec.decoder.load_state_dict(start.decoder.state_dict())
        codec.quantizer.adopt(start.quantizer.codebook, BATCH * FRAMES / codec.n_units)
    mean, std = corpus.statistics()
    codec.mean.copy_(mean)
    codec.std.copy_(std)
    codec.generator.load_state_dict(generator_weights(voice))
    codec.generator.requires_grad_(False)
    return codec


def add_noise(codec: UnitCodec, teacher: Teacher, sentences: Sequence[str]) -> None:
    """Fit the noise that the codec adds to decoded latents.

    The corpus latents are made without the teacher's noise, which makes them easy to quantize, but
    without noise the voice sounds too smooth. The noise has little correlation in time
    (autocorrelation 0.08 from frame to frame), but some sounds have twice as much as others. This
    measures its standard deviation per unit, and its correlation between latent dimensions.

    Args:
        codec: a trained codec; its units identify the sounds.
        teacher: the voice.
        sentences: spoken with and without noise, with the same durations.
    """
    added, owners = [], []
    width = codec.config.stride * codec.config.latent
    for text in sentences:
        for phonemes in teacher.phonemes(text):
            rough, smooth = (
                teacher.speak(text, phonemes, noise=noise, noise_w=0.0).latent.astype(np.float32)
                for noise in (NOISE, 0.0)
            )
            units = codec.encode_latent(torch.from_numpy(smooth))
            noise = (rough - smooth)[: len(units) * codec.config.stride]
            added.append(noise.reshape(len(units), width))
            owners.append(units)
    noises, units = torch.from_numpy(np.concatenate(added)), np.concatenate(owners)
    usual = noises.square().mean(0)
    for unit in range(codec.n_units):
        own = noises[units == unit]
        variance = (own.square().sum(0) + RARE_FRAMES * usual) / (len(own) + RARE_FRAMES)
        codec.roughness[unit] = variance.sqrt()
    even = codec.frames((noises / codec.roughness[units])[None])[0]
    alike = even.double().mT.corrcoef() + 1e-4 * torch.eye(even.shape[1])
    codec.texture.copy_(torch.linalg.cholesky(alike))
    codec.roughness.mul_(ROUGHNESS)


class Reconstruction(nn.Module):
    """Losses of a codec on random pieces of latents."""

    def __init__(self, codec: UnitCodec, latents: list[np.ndarray]) -> None:
        super().__init__()
        self.codec = codec
        frames = torch.from_numpy(np.concatenate(latents))
        kept = int(len(frames) * (1 - HELD_OUT_SHARE))
        self.train_frames, self.held_frames = frames[:kept], frames[kept:]

    def losses(self, z: torch.Tensor) -> dict[str, torch.Tensor]:
        """MSE of normalized latents, L1 after the first layer of the generator, and commitment."""
        codec = self.codec
        x = codec.normalize(z)
        with mixed_precision():
            code = codec.encoder(codec.patches(x))
        code, units, commitment = codec.quantizer(code.float())
        with mixed_precision():
            y = codec.frames(codec.decoder(code))
            first = codec.generator.conv_pre
            heard = F.l1_loss(first(codec.denormalize(y.float()).mT), first(z.mT))
        mse = F.mse_loss(y.float(), x)
        used = torch.bincount(units.flatten(), minlength=codec.config.codes).gt(0).float().mean()
        return {
            "loss": mse + 0.05 * heard.float() + 0.25 * commitment,
            "mse": mse,
            "heard": heard,
            "codes_used": used,
        }

    def step(self, step: int) -> Mapping[str, torch.Tensor]:
        """Losses on the batch of `step`."""
        return self.losses(self._pieces(self.train_frames, step))

    def held_out(self) -> dict[str, float]:
        """Metrics on held-out speech."""
        rows = [self.losses(self._pieces(self.held_frames, i)) for i in range(4)]
        return {name: float(torch.stack([r[name] for r in rows]).mean()) for name in rows[0]}

    def _pieces(self, frames: torch.Tensor, step: int) -> torch.Tensor:
        draw = torch.Generator().manual_seed(step)
        starts = torch.randint(len(frames) - FRAMES, (BATCH,), generator=draw)
        return torch.stack([frames[i : i + FRAMES] for i in starts.tolist()]).float()


def train(
    corpus: Corpus,
    voice: Path,
    out: Path,
    *,
    config: UnitCodecConfig | None = None,
    steps: int = 3000,
    minutes: float | None = None,
    seed: int = 0,
    start: UnitCodec | None = None,
) -> tuple[UnitCodec, bool]:
    """Train a codec in `out`; resumes a run.

    Args:
        corpus: the teacher's latents.
        voice: the Piper voice's ONNX file, for its generator.
        out: folder of checkpoint, log and curves.
        config: sizes of a new codec.
        steps: optimizer steps of the whole run.
        minutes: time limit; the checkpoint is complete at any time.
        seed: of initial weights and batches.
        start: a finished codec to begin with.

    Returns:
        The codec, and whether the last step was reached.
    """
    torch.manual_seed(seed)
    codec = new_codec(corpus, voice, config or UnitCodecConfig(), start)
    task = Reconstruction(codec, corpus.latents)
    done = fit(
        task,
        task.step,
        Schedule(steps, lr=8e-4, betas=(0.9, 0.98)),
        out,
        minutes=minutes,
        seed=seed,
        evaluate=task.held_out,
    )
    return codec.eval(), done
