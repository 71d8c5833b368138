"""Sound survives its way as Opus, and what is no Opus is refused."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.runtime.network.opus import HEARD_RATE, RATE, Decoder, Encoder, NotOpusError


def tone(hertz, rate, seconds=1.2):
    return (0.5 * np.sin(2 * np.pi * hertz / rate * np.arange(int(rate * seconds)))).astype("f")


@pytest.mark.parametrize("frame_ms", [20, 40, 60])
def test_a_tone_arrives_at_its_pitch_and_level(frame_ms):
    encode, decode = Encoder(frame_ms), Decoder()
    packets = encode(tone(440, RATE))
    assert len(packets) == 1200 // frame_ms
    heard = np.concatenate([decode(packet) for packet in packets])
    assert len(heard) == 1.2 * HEARD_RATE
    middle = heard[HEARD_RATE // 5 : -HEARD_RATE // 5]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(spectrum.argmax() * HEARD_RATE / len(middle) - 440) < 2
    assert 0.4 < np.abs(middle).max() < 0.6


def test_what_is_above_the_band_is_not_folded_into_it():
    encode, decode = Encoder(20), Decoder()
    heard = np.concatenate([decode(packet) for packet in encode(tone(11_000, RATE))])
    assert np.abs(heard[HEARD_RATE // 5 :]).max() < 0.02


def test_the_end_of_a_sound_is_padded_to_a_packet():
    encode = Encoder(60)
    assert encode(np.ones(1000, np.float32)) == []
    assert len(encode(np.ones(1000, np.float32), last=True)) == 2
    assert encode(np.zeros(0, np.float32), last=True) == []


@given(st.binary(max_size=2000))
def test_any_bytes_are_sound_or_refused(packet):
    with suppress(NotOpusError):
        heard = Decoder()(packet)
        assert len(heard) <= 0.12 * HEARD_RATE and np.isfinite(heard).all()
