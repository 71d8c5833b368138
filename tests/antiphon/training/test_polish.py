"""Polishing changes how units sound, never which units are written."""

from __future__ import annotations

import numpy as np
import torch

from antiphon.training.polish import Polish, spectral_distance, train
from antiphon_codecs.unit_codec import UnitCodec, UnitCodecConfig


def test_distance_is_zero_for_the_same_sound_and_grows_with_noise():
    sound = torch.sin(torch.arange(8000) * 0.1)[None]
    noise = torch.randn(1, 8000)
    near, far = (spectral_distance(sound + a * noise, sound) for a in (0.01, 0.3))
    assert float(spectral_distance(sound, sound)) == 0
    assert 0 < float(near) < float(far)


def test_only_the_decoder_changes(tmp_path):
    config = UnitCodecConfig(
        codes=16, code_dim=4, width=8, hidden=8, encoder_blocks=1, decoder_blocks=2
    )
    codec = UnitCodec(config)
    before = {k: v.clone() for k, v in codec.state_dict().items()}
    latents = [np.random.default_rng(0).normal(size=(6000, 192)).astype(np.float16)]
    units = codec.encode_latent(torch.from_numpy(latents[0][:50]))
    train(codec, latents, tmp_path, steps=2)
    changed = {k for k, v in codec.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(name.startswith("decoder.") for name in changed)
    np.testing.assert_array_equal(codec.encode_latent(torch.from_numpy(latents[0][:50])), units)


def test_held_out_figures_are_named(tmp_path):
    config = UnitCodecConfig(
        codes=16, code_dim=4, width=8, hidden=8, encoder_blocks=1, decoder_blocks=2
    )
    latents = [np.zeros((6000, 192), np.float16)]
    with torch.no_grad():
        assert set(Polish(UnitCodec(config), latents).held_out()) == {"loss", "mse", "spectrum"}
