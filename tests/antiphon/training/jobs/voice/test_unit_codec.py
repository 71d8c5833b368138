"""Training of the unit codec."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from antiphon.training.jobs.voice import unit_codec
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig


def test_noise_is_measured_as_the_teacher_makes_it():
    """A teacher that makes twice the noise where the latent is positive."""
    config = UnitCodecConfig(codes=2, width=8, hidden=8, encoder_blocks=0, decoder_blocks=1)
    listener = UnitCodec(config).eval()
    listener.encode_latent = lambda z: (z[:, 0] > 0).long().numpy()
    rng = np.random.default_rng(0)
    factor = np.linalg.cholesky(np.corrcoef(rng.standard_normal((192, 400))))

    class Noisy:
        def phonemes(self, text):
            return [[1, 5, 2]] * 40

        def speak(self, text, phonemes, *, noise, noise_w):
            smooth = np.where(np.arange(80) % 8 < 4, 1.0, -1.0)[:, None].repeat(192, 1)
            white = rng.standard_normal((80, 192))
            latent = smooth + noise * (1.5 + smooth / 2) * (white @ factor.T)
            return SimpleNamespace(latent=latent.astype(np.float32))

    teacher: Any = Noisy()
    unit_codec.add_noise(listener, teacher, ["One.", "Two."])
    usual = unit_codec.ROUGHNESS * unit_codec.NOISE
    np.testing.assert_allclose(listener.roughness[0], usual, rtol=0.1)
    np.testing.assert_allclose(listener.roughness[1], 2 * usual, rtol=0.1)
    np.testing.assert_allclose(listener.texture @ listener.texture.mT, factor @ factor.T, atol=0.1)
