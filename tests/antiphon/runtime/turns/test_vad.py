from typing import Any

import numpy as np
import pytest

from antiphon.runtime.frames import FRAME, RATE, level_db
from antiphon.runtime.turns.vad import AWAKE_FRAMES, OFF, ON, VoiceActivity
from antiphon.silero import CONTEXT, WINDOW, SileroState


class Scripted:
    """Says what a test wants, and remembers what it was shown."""

    def __init__(self, probability: float = 0.9) -> None:
        self.probability = probability
        self.shown: list[np.ndarray] = []

    def start(self) -> SileroState:
        return SileroState(np.zeros((2, 1, 128), np.float32), np.zeros(CONTEXT, np.float32))

    def step(self, pcm, state):
        assert pcm.shape == (WINDOW,)
        self.shown.append(pcm)
        return self.probability, state


def scripted(silero: Any) -> VoiceActivity:
    return VoiceActivity(silero)


def hiss(rng, count: int = 1, db: float = -75.0) -> np.ndarray:
    return (rng.normal(size=count * FRAME) * 10 ** (db / 20)).astype(np.float32)


def vowel(count: int = 1, start: int = 0) -> np.ndarray:
    """What webrtcvad takes for speech: a buzz of 120 Hz through two resonances."""
    t = (np.arange(count * FRAME) + start * FRAME) / RATE
    harmonics = (np.sin(2 * np.pi * 120 * k * t) / (1 + abs(k - 5)) for k in range(1, 20))
    return np.asarray(0.1 * sum(harmonics), np.float32)


def frames(pcm):
    return pcm.reshape(-1, FRAME)


def run(voice, pcm):
    return [voice.step(frame) for frame in frames(pcm)]


def test_silence_never_wakes_silero():
    silero = Scripted()
    heard = run(scripted(silero), hiss(np.random.default_rng(0), 500))
    assert not any(a.speech for a in heard)
    assert not silero.shown


def test_digital_silence_is_no_speech():
    heard = run(scripted(Scripted()), np.zeros(100 * FRAME, np.float32))
    assert not any(a.speech or a.probability for a in heard)


def test_speech_is_reported_while_silero_hears_it():
    silero = Scripted()
    voice = scripted(silero)
    run(voice, hiss(np.random.default_rng(0), 50))
    assert any(a.speech for a in run(voice, vowel(20)))
    silero.probability = (ON + OFF) / 2
    assert all(a.speech for a in run(voice, vowel(20)))  # it has to be clearly over
    silero.probability = 0.0
    assert not run(voice, vowel(20))[-1].speech


def test_what_only_sounds_like_speech_is_rejected():
    voice = scripted(Scripted(0.1))
    run(voice, hiss(np.random.default_rng(0), 50))
    assert not any(a.speech for a in run(voice, vowel(50)))


def test_silero_hears_the_beginning_that_woke_it_late():
    silero = Scripted()
    voice = scripted(silero)
    quiet = hiss(np.random.default_rng(0), 50)
    run(voice, quiet)
    run(voice, vowel(5))
    heard = np.concatenate(silero.shown)
    assert np.abs(heard[:WINDOW]).max() < 0.01  # quiet first,
    assert np.abs(heard).max() > 0.05  # then the speech


def test_silero_sleeps_again():
    silero = Scripted(0.0)
    voice = scripted(silero)
    rng = np.random.default_rng(0)
    run(voice, hiss(rng, 50))
    run(voice, vowel(5))
    run(voice, hiss(rng, AWAKE_FRAMES + 25))
    count = len(silero.shown)
    assert run(voice, hiss(rng, 100))[-1].probability == 0
    assert len(silero.shown) == count


def test_reset_forgets():
    voice = scripted(Scripted())
    pcm = np.concatenate([hiss(np.random.default_rng(0), 20), vowel(20)])
    first = run(voice, pcm)
    voice.reset()
    assert run(voice, pcm) == first


def test_level_ignores_direct_current():
    tone = np.sin(np.arange(FRAME) * 2 * np.pi / 32).astype(np.float32)
    assert level_db(tone) == pytest.approx(-3.01, abs=0.01)
    assert level_db(tone / np.float32(10) + np.float32(0.5)) == pytest.approx(-23.01, abs=0.01)
    assert level_db(np.full(FRAME, 0.5, np.float32)) == pytest.approx(-100)
