"""Checkpoints of Meta's `encodec` package sound as they do there."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import EncodecConfig

from antiphon.errors import UserError
from antiphon_codecs.codec import from_pretrained
from antiphon_codecs.encodec import checkpoint
from antiphon_codecs.encodec.encodec_codec import EncodecCodec


@pytest.fixture(scope="module")
def theirs():
    """The package's own 24 kHz model at its true size, with random weights."""
    with pytest.MonkeyPatch.context() as patch:
        # It imports torchaudio only to resample files, which is not needed here.
        patch.setitem(sys.modules, "torchaudio", types.ModuleType("torchaudio"))
        encodec = pytest.importorskip("encodec")
        torch.manual_seed(0)
        model = encodec.EncodecModel.encodec_model_24khz(pretrained=False).eval()
    with torch.inference_mode():
        latents = model.encoder(torch.randn(1, 1, 24_000))[0]
    spread = latents.std(1)
    for depth, layer in enumerate(model.quantizer.vq.layers):
        layer._codebook.embed.copy_(torch.randn(1024, 128) * spread * 0.8**depth)
    model.quantizer.vq.layers[0]._codebook.embed.add_(latents.mean(1))
    model.set_target_bandwidth(6.0)
    return model


@pytest.fixture(scope="module")
def file(theirs, tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("encodec") / "encodec_24khz-00000000.th"
    torch.save(theirs.state_dict(), path)
    return path


@torch.inference_mode()
def test_the_same_sound_has_the_same_units_and_the_same_units_the_same_sound(theirs, file):
    ours = EncodecCodec.load(file, bandwidth=6.0)
    pcm = np.random.default_rng(0).normal(0, 0.1, 12_345).astype(np.float32)

    units = ours.encode(pcm)
    expected = theirs.encode(torch.from_numpy(pcm)[None, None])[0][0][0].numpy()

    assert units.shape == (8, 39) and len(np.unique(units)) > 50
    np.testing.assert_array_equal(units, expected)
    heard = theirs.decode([(torch.from_numpy(units)[None], None)])[0, 0].numpy()
    np.testing.assert_allclose(ours.decode(units), heard, atol=1e-5)


def test_a_folder_with_one_will_do(file):
    assert isinstance(from_pretrained(file.parent), EncodecCodec)
    assert isinstance(from_pretrained(file), EncodecCodec)


def test_transformers_layout_comes_first(file, tmp_path):
    (tmp_path / "model.th").write_bytes(file.read_bytes())
    assert checkpoint.find(tmp_path) == tmp_path / "model.th"
    (tmp_path / "config.json").write_text("{}")
    assert checkpoint.find(tmp_path) is None


def test_a_checkpoint_cut_short_is_named(file, tmp_path):
    (tmp_path / "a.th").write_bytes(file.read_bytes()[:10_000])
    (tmp_path / "b.th").write_bytes(b"")
    (tmp_path / "c.th").write_bytes(b"not a checkpoint")
    for name in "abc":
        with pytest.raises(UserError, match=f"{name}.th' is no PyTorch checkpoint"):
            EncodecCodec.load(tmp_path / f"{name}.th")


@pytest.mark.parametrize("held", [{"encoder.model.0.bias": torch.zeros(3)}, [1, 2], {1: 2}])
def test_a_checkpoint_of_something_else_is_named(tmp_path, held):
    torch.save(held, tmp_path / "other.th")
    with pytest.raises(UserError, match=r"no checkpoint of the 24 kHz EnCodec"):
        EncodecCodec.load(tmp_path / "other.th")


def test_no_code_in_a_checkpoint_is_run(tmp_path):
    class Harmful:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harmed",)

    torch.save({"encoder": Harmful()}, tmp_path / "bad.th")
    with pytest.raises(UserError, match="is no PyTorch checkpoint"):
        EncodecCodec.load(tmp_path / "bad.th")
    assert not (tmp_path / "harmed").exists()


def test_sizes_other_than_those_of_the_24_khz_model_are_named(file):
    with pytest.raises(UserError, match="no checkpoint of the 24 kHz EnCodec"):
        checkpoint.load(file, EncodecConfig(num_filters=8))
