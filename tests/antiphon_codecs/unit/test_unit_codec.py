"""Units to sound: streaming equals offline, files round-trip, foreign units are refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from antiphon.errors import UserError
from antiphon_codecs.skip_init import SkipInit
from antiphon_codecs.unit.hifigan import CONTEXT, HOP, HifiGan
from antiphon_codecs.unit.hifigan_session import HifiGanSession
from antiphon_codecs.unit.quantizer import VectorQuantizer
from antiphon_codecs.unit.unit_codec import NOISE_FRAMES, TRAINING_ONLY, UnitCodec, UnitCodecConfig


@pytest.fixture(scope="module", params=[1, 2])
def codec(request):
    torch.manual_seed(0)
    config = UnitCodecConfig(
        codes=32,
        stride=request.param,
        code_dim=8,
        width=16,
        hidden=16,
        encoder_blocks=1,
        decoder_blocks=3,
        centred_blocks=1,
    )
    codec = UnitCodec(config).eval().requires_grad_(False)
    codec.roughness.uniform_()
    codec.texture.copy_(torch.linalg.cholesky(torch.randn(192, 400).corrcoef()))
    return codec


@settings(max_examples=8)
@given(
    units=st.lists(st.integers(0, 31), min_size=1, max_size=90),
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=6),
)
def test_streaming_equals_offline(codec, units, sizes):
    units = np.array(units)
    state, pieces, at, turn = codec.start(), [], 0, 0
    while at < len(units):
        size = max(1, sizes[turn % len(sizes)])
        piece, state = codec.step(units[at : at + size], state, final=at + size >= len(units))
        pieces.append(piece)
        at, turn = at + size, turn + 1
    whole = codec.decode(units)
    assert len(whole) == len(units) * codec.samples_per_unit
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-4)


def test_a_state_can_be_resumed_twice(codec):
    first, second = np.arange(30) % 32, np.arange(20) % 7
    _, state = codec.step(first, codec.start())
    once, _ = codec.step(second, state, final=True)
    again, _ = codec.step(second, state, final=True)
    np.testing.assert_array_equal(once, again)


def test_only_the_units_that_are_certain_are_spoken(codec):
    units = np.arange(60) % 32
    piece, _ = codec.step(units, codec.start())
    assert len(piece) == (60 - codec.lookahead) * codec.samples_per_unit


def test_save_and_load(codec, tmp_path):
    codec.save(tmp_path / "codec.safetensors")
    again = UnitCodec.load(tmp_path / "codec.safetensors")
    units = np.arange(40) % 32
    np.testing.assert_allclose(again.decode(units), codec.decode(units), atol=0.02)
    assert again.config == codec.config


def test_every_unit_is_as_rough_as_it_should_be(codec):
    smooth = copy.deepcopy(codec)
    smooth.roughness.zero_()
    for unit in (0, 31):
        units = np.full(2 * NOISE_FRAMES, unit)
        added = codec.decode_latent(units) - smooth.decode_latent(units)
        measured = codec.patches(added[None])[0].std(0)
        np.testing.assert_allclose(measured, codec.roughness[unit], rtol=0.2)


def test_units_of_another_codec_are_refused(codec):
    with pytest.raises(UserError, match="another codec"):
        codec.decode(np.array([0, 32]))


def test_latents_shorter_than_a_unit_give_none(codec):
    assert len(codec.encode_latent(torch.zeros(0, 192))) == 0
    assert len(codec.decode(np.zeros(0, np.int64))) == 0


def test_generator_hears_no_further_than_its_context():
    generator = HifiGan(latent=8, channels=32).eval()
    z = torch.randn(1, 80, 8)
    other = z.clone()
    other[:, 40] += 10.0
    with torch.inference_mode():
        changed = (generator(z) - generator(other)).abs()[0].reshape(80, HOP).amax(1) > 0
    assert changed[40 - CONTEXT : 40 + CONTEXT + 1].any()
    assert not changed[: 40 - CONTEXT].any()
    assert not changed[40 + CONTEXT + 1 :].any()


def test_a_generator_sounds_the_same_by_onnxruntime():
    generator = HifiGan(latent=8, channels=32).eval()
    z = torch.randn(21, 8)
    with torch.inference_mode():
        np.testing.assert_allclose(HifiGanSession(generator)(z), generator(z[None])[0], atol=1e-5)


def test_a_codec_sounds_by_the_weights_it_has_now(codec):
    other = copy.deepcopy(codec)
    units = np.arange(20) % 32
    before = other.decode(units)
    other.train()
    for parameter in other.generator.parameters():
        parameter.data.mul_(0.5)
    trained = other.decode(units)
    np.testing.assert_allclose(other.eval().decode(units), trained, atol=1e-5)
    assert np.abs(trained - before).max() > 1e-3
    np.testing.assert_array_equal(codec.decode(units), before)


def test_quantizer_learns_the_clusters_it_is_shown():
    centres = torch.randn(8, 4) * 5
    quantizer = VectorQuantizer(16, 4).train()
    for _ in range(400):
        quantizer(centres[torch.randint(8, (256,))] + 0.01 * torch.randn(256, 4))
    quantizer.eval()
    assert len(set(quantizer.nearest(centres).tolist())) == 8
    assert quantizer(centres)[2] < 0.01 * centres.square().mean()


def test_adopted_codes_stay_where_what_they_stand_for_stays():
    codes = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    quantizer = VectorQuantizer(16, 4).train()
    quantizer.adopt(codes, count=4.0)
    for _ in range(50):
        quantizer(codes.repeat(4, 1))
    torch.testing.assert_close(quantizer.codebook, codes, atol=1e-4, rtol=1e-4)


def test_loading_fills_everything_that_was_left_unfilled(codec, tmp_path):
    codec.save(tmp_path / "codec.safetensors")
    with SkipInit():
        empty = nn.Linear(4, 4)
        nn.init.constant_(empty.weight, 7.0)
    assert not (empty.weight == 7.0).all()
    again = UnitCodec.load(tmp_path / "codec.safetensors").state_dict()
    for name, value in codec.state_dict().items():
        if name not in TRAINING_ONLY:
            torch.testing.assert_close(again[name], value, atol=1e-2, rtol=1e-2)
