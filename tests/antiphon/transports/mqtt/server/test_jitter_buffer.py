"""The jitter buffer."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from antiphon.runtime.frames import FRAME
from antiphon.transports.mqtt.server.jitter_buffer import JitterBuffer
from antiphon.transports.mqtt.wire.formats.pcm import pcm
from antiphon.transports.mqtt.wire.packets import Packet


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=30), st.integers(0, 3))
def test_whatever_arrives_time_goes_forward_and_nothing_comes_twice(arrivals, gap):
    """Samples carry their own index, so whatever comes out can be checked against it."""
    inlet, now, out = JitterBuffer(7, pcm(16_000)), 0.0, []
    for index, count in arrivals:
        body = (np.arange(count * FRAME) + index * FRAME + 1).astype("<i2").tobytes()
        now += 0.02
        frames = inlet.take(Packet(7, 0, round(1000 * now), index * FRAME, body), now)
        out += np.rint(frames.ravel() * 32768).astype(int).tolist()
    real = [sample for sample in out if sample]
    assert real == sorted(set(real))
    assert inlet.received == len(arrivals)


def test_silence_takes_the_place_of_what_does_not_come_and_then_it_is_late():
    inlet = JitterBuffer(7, pcm(16_000))

    def packet(index, now):
        sent = 20 * index + 1000
        return Packet(7, 0, sent, index * FRAME, b"d\0" * FRAME), now

    assert len(inlet.take(*packet(0, 1.0))) == 1
    assert not inlet.overdue(1.1)
    assert inlet.overdue(1.14)
    assert len(inlet.fill()) == len(inlet.fill()) == 1
    assert len(inlet.take(*packet(1, 1.17))) == 0
    assert len(inlet.take(*packet(2, 1.17))) == 0
    assert len(inlet.take(*packet(3, 1.17))) == 1
    assert (inlet.late, inlet.filled) == (2, 2 * FRAME)
    assert len(inlet.take(*packet(4, 3.0))) == 0  # in order, but too old to be answered
