"""Noise and rooms."""

import json

import numpy as np
import soundfile

from antiphon.training.corpora.hearing.augmentation import Augment


def test_augmentation_is_seeded_and_finite(tmp_path):
    for folder in ("noise", "rir"):
        (tmp_path / folder).mkdir()
        sound = np.random.default_rng(1).standard_normal(900).astype(np.float32) * 0.1
        soundfile.write(tmp_path / folder / "a.wav", sound, 16_000)
        (tmp_path / folder / "manifest.jsonl").write_text(json.dumps({"audio": "a.wav"}))
    augment = Augment(tmp_path)
    pcm = np.sin(np.arange(4000) / 9).astype(np.float32)
    for seed in range(12):
        one, other = (augment(pcm, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, other)
        assert np.isfinite(one).all()
        assert np.abs(one).max() <= 1.001


def test_a_room_keeps_the_direct_sound_in_place():
    pcm = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    response = np.zeros(50, np.float32)
    response[7] = 0.5
    np.testing.assert_allclose(Augment.room(pcm, response), pcm, atol=1e-5)
