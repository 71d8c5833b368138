import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import EncodecConfig, EncodecModel

from antiphon.errors import UserError
from antiphon_codecs.codec import Codec, Units
from antiphon_codecs.encodec.encodec_codec import (
    TOLERANCE,
    EncodecCodec,
    EncodecStream,
    receptive_field,
)


@functools.cache
def codec(filters: int = 4, ratios: tuple[int, ...] = (8, 5, 4, 2)) -> EncodecCodec:
    """The layout of the 24 kHz model, narrow and with random weights."""
    torch.manual_seed(0)
    config = EncodecConfig(
        num_filters=filters, hidden_size=16, codebook_size=64, upsampling_ratios=ratios
    )
    model = EncodecModel(config)
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_()
    return EncodecCodec(model, bandwidth=1.5)


def babble(frames: int, seed: int = 0) -> Units:
    size = (codec().codebooks, frames)
    return np.random.default_rng(seed).integers(0, codec().n_units, size)


def stream(chunks: list[Units]) -> np.ndarray:
    state, sound = codec().start(), []
    for index, chunk in enumerate(chunks):
        pcm, state = codec().step(chunk, state, final=index == len(chunks) - 1)
        sound.append(pcm)
    return np.concatenate(sound)


def test_it_is_a_codec() -> None:
    like: Codec[EncodecStream] = codec()
    assert (like.sample_rate, like.unit_rate, like.n_units) == (24000, 75.0, 64)


@settings(max_examples=15)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(0, 9))
def test_streaming_equals_whole(sizes: list[int], seed: int) -> None:
    units = babble(sum(sizes), seed)
    chunks = np.split(units, np.cumsum(sizes)[:-1], 1)
    whole, pieces = codec().decode(units), stream(chunks)
    assert pieces.shape == whole.shape == (320 * sum(sizes),)
    assert np.abs(pieces - whole).max(initial=0) <= TOLERANCE * max(1, np.abs(whole).max(initial=0))


def test_frame_by_frame_over_a_long_stream_nothing_drifts() -> None:
    units = babble(80, 1)
    whole = codec().decode(units)
    assert np.abs(stream(list(units[:, :, None].transpose(1, 0, 2))) - whole).max() <= TOLERANCE


def test_sound_begins_with_the_seventh_frame() -> None:
    units, state = babble(8), codec().start()
    heard = []
    for frame in range(8):
        pcm, state = codec().step(units[:, frame : frame + 1], state)
        heard.append(len(pcm) // 320)
    assert heard == [0, 0, 0, 0, 0, 0, 7, 1]


def test_a_state_can_be_resumed_from_twice() -> None:
    units = babble(30)
    _, state = codec().step(units[:, :20], codec().start())
    first, _ = codec().step(units[:, 20:], state)
    again, _ = codec().step(units[:, 20:], state)
    assert np.array_equal(first, again)


@pytest.mark.parametrize("ratios", [(8, 5, 4, 2), (4, 2), (2,)])
def test_the_window_is_no_longer_than_needed(ratios: tuple[int, ...]) -> None:
    """A frame just inside the receptive field is heard, one just outside is not."""
    small = codec(ratios=ratios)
    reach = receptive_field(small.model.config)
    features = torch.randn(1, small._width, 40)
    touched = []
    for back in (reach, reach + 1):
        changed = features.clone()
        changed[..., 30 - back] += 1
        sounds = []
        for each in (features, changed):
            with torch.inference_mode():
                for layer in small.model.decoder.layers[2:]:
                    each = layer(each)
            sounds.append(each[0, 0, 30 * small.samples_per_unit :])
        touched.append(not torch.equal(*sounds))
    assert touched == [True, False]


@pytest.mark.parametrize("samples", [0, 1, 319, 320, 321, 24000])
def test_any_length_is_encoded(samples: int) -> None:
    pcm = np.random.default_rng(0).normal(size=samples).astype(np.float32)
    units = codec().encode(pcm)
    assert units.shape == (codec().codebooks, -(-samples // 320)) and units.dtype == np.int64
    assert codec().decode(units).shape == (units.shape[1] * 320,)


def test_saved_and_loaded_it_sounds_the_same(tmp_path: Path) -> None:
    codec().model.save_pretrained(tmp_path)
    loaded = EncodecCodec.load(tmp_path, bandwidth=1.5)
    assert np.allclose(loaded.decode(babble(9)), codec().decode(babble(9)))


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unit is outside"):
        codec().decode(np.full((3, 3), 64))
    with pytest.raises(UserError, match="codebooks"):
        codec().step(np.zeros(3, np.int64), codec().start())
    with pytest.raises(UserError, match="bandwidth"):
        EncodecCodec(codec().model, bandwidth=5.0)
    with pytest.raises(UserError, match="no EnCodec model"):
        EncodecCodec.load(tmp_path / "missing")
    wide = EncodecModel(EncodecConfig(num_filters=2, hidden_size=8, use_causal_conv=False))
    with pytest.raises(UserError, match="cannot stream"):
        EncodecCodec(wide)
