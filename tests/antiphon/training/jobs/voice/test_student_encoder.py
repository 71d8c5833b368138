"""The student's lessons: sound and units stay together, alterations leave units, losses fall."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from antiphon.errors import UserError
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.jobs.voice import student_encoder
from antiphon_codecs.unit.hifigan import HOP
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig


@pytest.fixture(scope="module", params=[1, 2])
def codec(request):
    torch.manual_seed(0)
    config = UnitCodecConfig(
        codes=8, stride=request.param, code_dim=4, latent=6, width=8, hidden=8,
        encoder_blocks=1, decoder_blocks=1, centred_blocks=1,
    )  # fmt: skip
    return UnitCodec(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def pairs(codec):
    rng = np.random.default_rng(0)
    latents = [rng.normal(size=(1, 6)).repeat(n, 0).astype(np.float16) for n in [111, 91, 7, 1] * 6]
    return student_encoder.make_pairs(codec, latents, 0.003, seed=0)


def recognizer(pcm):
    """Spectra of 20 ms."""
    rows = torch.from_numpy(pcm[: len(pcm) // 320 * 320]).float().reshape(-1, 320)
    return torch.fft.rfft(rows).abs()[:, 2:34].clamp_min(1e-4).log()


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(student_encoder, "CLIP_SECONDS", 0.4)
    monkeypatch.setattr(student_encoder, "BATCH", 4)
    monkeypatch.setattr(student_encoder, "HELD_OUT_SHARE", 0.2)
    monkeypatch.setattr(student_encoder, "PIECE_FRAMES", 120)


@pytest.fixture
def augment(tmp_path):
    augment = Augment(tmp_path)
    augment.noises = [np.random.default_rng(0).normal(size=999).astype(np.float32)]
    augment.rooms = [np.array([0, 1, 0.5, 0.2], np.float32)]
    return augment


def test_sound_units_and_latents_are_as_long_as_each_other(codec, pairs):
    assert len(pairs.sound) == len(pairs.units) * codec.samples_per_unit
    assert len(pairs.latents) * HOP == len(pairs.sound)
    assert len(pairs.pitch) == len(pairs.units) > 100
    assert set(pairs.units.tolist()) <= set(range(8))


def test_pairs_are_kept(pairs, tmp_path):
    pairs.save(tmp_path / "pairs.npz")
    again = student_encoder.Pairs.load(tmp_path / "pairs.npz")
    for name, column in vars(pairs).items():
        np.testing.assert_array_equal(getattr(again, name), column)


def test_no_latents_no_lesson(codec):
    with pytest.raises(UserError, match="train corpus"):
        student_encoder.make_pairs(codec, [], 1.0, seed=0)


def test_a_batch_is_a_function_of_its_step(codec, pairs, augment):
    task = student_encoder.Imitation(
        student_encoder.with_student(codec, 16, recognizer), pairs, augment, seed=3
    )
    assert task.step(5)["loss"] == task.step(5)["loss"] != task.step(6)["loss"]


def test_the_student_learns_and_the_codec_stays(codec, pairs, augment, tmp_path):
    out = tmp_path / "student"
    taught = student_encoder.train(codec, pairs, augment, recognizer, out, width=16, steps=30)
    again = student_encoder.train(
        codec, pairs, augment, recognizer, out, width=16, steps=30
    )  # nothing is left to do
    task = student_encoder.Imitation(taught, pairs, augment)
    figures = task.held_out()

    assert {"accuracy", "accuracy_altered", "mse", "mse_of_codec"} <= set(figures)
    fresh = student_encoder.Imitation(
        student_encoder.with_student(codec, 16, recognizer), pairs, augment
    )
    with torch.no_grad():
        assert float(task.step(99)["loss"]) < float(fresh.step(99)["loss"])
    pcm = pairs.sound[:4000].astype(np.float32)
    np.testing.assert_array_equal(taught.encode(pcm), again.encode(pcm))
    units = np.arange(20) % 8
    np.testing.assert_array_equal(taught.decode(units), codec.decode(units))
