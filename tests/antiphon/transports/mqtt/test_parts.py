"""Address, budget, gate, inlet and player, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.runtime.frames import FRAME
from antiphon.transports.mqtt.robot.voice_gate import VoiceGate
from antiphon.transports.mqtt.server.jitter_buffer import JitterBuffer
from antiphon.transports.mqtt.server.rate_limit import RateLimit
from antiphon.transports.mqtt.wire import broker
from antiphon.transports.mqtt.wire.formats.pcm import pcm
from antiphon.transports.mqtt.wire.packets import Packet


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mqtt://example.org", "not encrypted"),
        ("mqtts://example.org", "anybody may command"),
        ("http://example.org", "address is wrong"),
        ("mqtts://", "address is wrong"),
        ("mqtts://host:port", "address is wrong"),
        ("mqtts://u:p@host/topic", "address is wrong"),
        ("mqtt://u:p@192.168.1.5", "not encrypted"),
    ],
)
def test_addresses_that_are_refused(url, error):
    with pytest.raises(UserError, match=error):
        broker.parse(url)


def test_addresses():
    found = broker.parse("mqtts://R1:p%40ss@example.org")
    assert (found.host, found.port, found.tls) == ("example.org", 8883, True)
    assert (found.user, found.password) == ("R1", "p@ss")
    assert "p@ss" not in repr(found) and "p@ss" not in found.name
    assert broker.parse("mqtt://localhost:1900").port == 1900
    assert broker.parse("mqtt://[::1]").host == "::1"
    assert broker.parse("mqtt://example.org", insecure=True).port == 1883


def test_a_certificate_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="with --ca"):
        broker.parse("mqtts://u:p@h", ca=tmp_path / "none.pem").context()
    with pytest.raises(UserError, match="mqtts:// only"):
        broker.parse("mqtt://localhost", ca=tmp_path / "none.pem")


def test_a_budget_fills_with_time():
    budget = RateLimit(10, 20)
    assert budget.spend(20, 0.0)
    assert not budget.spend(1, 0.05)
    assert budget.spend(5, 0.5)
    assert budget.spend(20, 100.0)
    assert not budget.spend(1, 100.0)


def voice(seconds, rng):
    """Something webrtcvad takes for speech: a buzz with formants, loud."""
    t = np.arange(int(16_000 * seconds)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    buzz *= 0.5 + 0.5 * np.sin(2 * np.pi * 4 * t)
    return (0.2 * buzz / np.abs(buzz).max() + 0.001 * rng.standard_normal(len(t))).astype("f4")


def test_the_gate_is_shut_in_silence_and_opens_before_the_first_word():
    rng = np.random.default_rng(0)
    noise = (0.001 * rng.standard_normal(16_000 * 5)).astype(np.float32)
    gate = VoiceGate()
    assert sum(len(gate.step(f, hold=False)) for f in noise.reshape(-1, FRAME)) == 0
    opened = [gate.step(f, hold=False) for f in voice(1, rng).reshape(-1, FRAME)]
    first = next(i for i, frames in enumerate(opened) if frames)
    assert first < 15
    assert len(opened[first]) > first + 5  # all of the word, and some of what was before
    rest = [gate.step(f, hold=False) for f in noise[: 16_000 * 2].reshape(-1, FRAME)]
    assert not rest[-1] and not gate.open


def test_the_gate_stays_open_while_the_agent_talks():
    gate = VoiceGate()
    silence = np.zeros(FRAME, np.float32)
    assert all(len(gate.step(silence, hold=True)) == 1 for _ in range(200))
    for _ in range(60):
        shut = gate.step(silence, hold=False)
    assert not shut


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
