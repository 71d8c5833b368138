"""The voice gate."""

from __future__ import annotations

import numpy as np

from antiphon.runtime.frames import FRAME
from antiphon.transports.mqtt.robot.voice_gate import VoiceGate


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
