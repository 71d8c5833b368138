"""Both directions piece by piece are both directions as a whole, after silence."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import EncodecConfig, EncodecModel

from antiphon_codecs.encodec.encodec_codec import EncodecCodec
from antiphon_codecs.encodec.stream import SILENCE, StreamDecoder, StreamEncoder

HOP = 320


@pytest.fixture(scope="module")
def codec() -> EncodecCodec:
    """The layout of the 24 kHz model, narrow and with random weights."""
    torch.manual_seed(0)
    model = EncodecModel(EncodecConfig(num_filters=4, hidden_size=16, codebook_size=64))
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_()
    return EncodecCodec(model, bandwidth=1.5)


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.3, frames * HOP).astype(np.float32)


@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_units_of_pieces_are_units_of_the_whole(codec: EncodecCodec, sizes: list[int]) -> None:
    pcm = noise(sum(sizes))
    whole = codec.encode(np.concatenate([np.zeros(SILENCE * HOP, np.float32), pcm]))[:, SILENCE:]
    listen = StreamEncoder(codec)
    pieces = [listen(part) for part in np.split(pcm, np.cumsum(sizes)[:-1] * HOP)]
    assert [part.shape[1] for part in pieces] == sizes
    assert (np.concatenate(pieces, 1) == whole).mean() > 0.98  # but for rounding


def test_every_unit_is_spoken_at_once(codec: EncodecCodec) -> None:
    units = codec.encode(noise(12))
    silent = codec.encode(np.zeros(SILENCE * HOP, np.float32))
    whole = codec.decode(np.concatenate([silent, units], 1))[SILENCE * HOP :]
    speak = StreamDecoder(codec)
    pieces = [speak(units[:, at : at + 3]) for at in range(0, 12, 3)]
    assert [len(part) for part in pieces] == [3 * HOP] * 4
    assert np.abs(np.concatenate(pieces) - whole).max() < 1e-4
