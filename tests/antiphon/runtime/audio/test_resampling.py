"""A stream at another rate: the same sound, soon and steadily, and none that was not there."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.runtime.audio.resampling import QuickResampler, Resampler

PAIRS = [(48_000, 16_000), (44_100, 16_000), (22_050, 48_000), (22_050, 44_100), (16_000, 22_050)]


def tone(hertz, rate, seconds=1.0):
    return np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate).astype(np.float32)


def resampled(sound, source, target):
    resample = Resampler(source, target)
    step = source // 50
    return [resample(sound[at : at + step]) for at in range(0, len(sound), step)]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_frame_answers_a_frame_after_the_first(source, target):
    frames = resampled(tone(440, source), source, target)
    lengths = {len(frame) for frame in frames[2:]}
    assert max(lengths) - min(lengths) <= 1
    assert 0 <= 1 - sum(map(len, frames)) / target < 0.0151


def test_a_microphone_at_8_khz_waits_longer():
    frames = resampled(tone(440, 8_000), 8_000, 16_000)
    assert 0 <= 1 - sum(map(len, frames)) / 16_000 <= 0.0301


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_nothing_is_added_and_nothing_taken(source, target):
    for hertz in (200, 3_000, 6_500):
        sound = np.concatenate(resampled(tone(hertz, source), source, target))
        middle = sound[target // 10 : -target // 10]
        moments = np.arange(len(middle)) / target
        waves = np.stack([np.sin(2 * np.pi * hertz * moments), np.cos(2 * np.pi * hertz * moments)])
        weights, *_ = np.linalg.lstsq(waves.T, middle, rcond=None)
        assert np.hypot(*weights) == pytest.approx(1, abs=1e-3)
        assert np.std(middle - weights @ waves) < 1e-5  # -100 dB


def test_what_is_too_high_does_not_come_back_lower():
    sound = np.concatenate(resampled(tone(10_000, 48_000), 48_000, 16_000))
    assert np.abs(sound[1600:-1600]).max() < 1e-5


def test_a_flush_brings_the_end():
    resample = Resampler(44_100, 16_000)
    sound = np.concatenate([resample(tone(440, 44_100)), resample.flush()])
    assert abs(len(sound) - 16_000) <= 2


def test_the_same_rate_passes_and_may_be_changed_by_the_receiver():
    resample, sound = Resampler(16_000, 16_000), tone(440, 16_000)
    out = resample(sound)
    out[:] = 0
    assert np.abs(sound).max() > 0.9 and len(resample.flush()) == 0


def test_clear_forgets_what_was_held_back():
    resample = Resampler(22_050, 48_000)
    resample(tone(440, 22_050))
    resample.clear()
    assert np.abs(resample(np.zeros(22_050, np.float32))).max() == 0


@pytest.mark.parametrize("source", [8_000, 24_000, 44_100, 48_000])
def test_the_quick_one_gives_20_ms_for_20_ms_and_loses_nothing(source):
    resample, count = QuickResampler(source, 16_000), source // 50
    tone = np.sin(2 * np.pi * 1000 * np.arange(50 * count) / source).astype(np.float32)
    made = [resample(tone[i * count : (i + 1) * count]) for i in range(50)]
    assert all(len(piece) == 320 for piece in made)
    whole = np.concatenate([*made, resample.flush()])
    late = len(whole) - 16_000
    assert 0 < late <= 32  # 2 ms
    expected = np.sin(2 * np.pi * 1000 * (np.arange(len(whole)) - late) / 16_000)
    assert np.abs(whole[200:-200] - expected[200:-200]).max() < 1e-3
