"""The buffers at both devices: sound arrives whole, on time, whatever the clocks do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.runtime.audio.capture import Capture
from antiphon.runtime.audio.playout import LOW_MS, SPAN_MS, Playout
from antiphon.runtime.frames import FRAME, RATE, played

SOURCE = 22_050
SIZE = played(SOURCE)
SILENCE = np.zeros(SIZE, np.float32)
RATES = [8_000, 22_050, 44_100, 48_000]


def pull(playout, count):
    out = np.full(count, np.nan, np.float32)
    playout.pull_into(out)
    return out


def converse(playout, target, frames, *, ppm=0.0, block_ms=10):
    """Pushes frames while a speaker with a clock of its own pulls; returns sound and positions."""
    block, owed, out, heard = target * block_ms // 1000, 0.0, [], []
    for frame in frames:
        playout.push(frame)
        owed += target / 50 * (1 + ppm * 1e-6)
        while owed >= block:
            out.append(pull(playout, block))
            owed -= block
        heard.append(playout.heard())
    return np.concatenate(out), np.array(heard)


def bursts(seconds, talk, pause):
    """Frames of noise and silence in turn."""
    rng = np.random.default_rng(0)
    for index in range(50 * seconds):
        sound = index % (talk + pause) < talk
        yield rng.uniform(0.05, 0.5, SIZE).astype(np.float32) if sound else SILENCE


@settings(max_examples=25, deadline=None)
@given(
    ppm=st.floats(-500, 500),
    talk=st.integers(1, 150),
    pause=st.integers(2, 60),
    block_ms=st.sampled_from([3, 10, 16]),
)
def test_drift_is_absorbed_by_silence_and_sound_stays_whole(ppm, talk, pause, block_ms):
    frames = list(bursts(60, talk, pause))
    playout = Playout(SOURCE, SOURCE)
    out, heard = converse(playout, SOURCE, frames, ppm=ppm, block_ms=block_ms)

    said = np.concatenate(frames)
    said, out = said[said > 0], out[out > 0]
    assert playout.underruns == 0
    assert np.array_equal(out, said[: len(out)])
    delay = np.arange(1, len(heard) + 1) * SIZE - heard
    assert np.all(np.diff(heard) >= 0) and delay.min() >= 0
    assert delay.max() / 22.05 <= LOW_MS + SPAN_MS + 2 * block_ms + 20 + 20


@pytest.mark.parametrize("target", RATES)
def test_sound_is_played_as_it_was_said(target):
    moments = np.arange(50 * SIZE) / SOURCE
    tone = 0.5 * np.sin(2 * np.pi * 440 * moments).astype(np.float32)
    playout = Playout(SOURCE, target)
    out, _ = converse(playout, target, [*tone.reshape(50, SIZE), *[SILENCE] * 10])

    start = np.flatnonzero(np.abs(out) > 0.05)[0]
    middle = out[start + target // 10 : start + 9 * target // 10]
    moments = np.arange(len(middle)) / target
    waves = np.stack([np.sin(2 * np.pi * 440 * moments), np.cos(2 * np.pi * 440 * moments)], 1)
    weights, *_ = np.linalg.lstsq(waves, middle, rcond=None)
    assert np.hypot(*weights) == pytest.approx(0.5, rel=1e-3)
    assert np.std(middle - waves @ weights) < 1e-3
    assert np.flatnonzero(np.abs(out) > 0.05)[-1] - start == pytest.approx(target, abs=target / 50)


@pytest.mark.parametrize("target", RATES)
@pytest.mark.parametrize("latency", [0.0, 0.1])
def test_heard_is_what_has_sounded(target, latency):
    """A click in every frame: those that came out of the speaker are those that count."""
    click = np.zeros(SIZE, np.float32)
    click[SIZE // 2] = 1
    playout, out, owed = Playout(SOURCE, target), [np.zeros(round(latency * target))], 0
    for _ in range(119):
        playout.push(click)
        owed += target // 50
        while owed >= target // 100:
            out.append(pull(playout, target // 100))
            owed -= target // 100
        listened = np.concatenate(out)[: sum(map(len, out[1:]))]
        peaks = np.flatnonzero(listened > 0.5 * min(1, target / SOURCE))
        clicks = 1 + np.count_nonzero(np.diff(peaks) > target // 100) if len(peaks) else 0
        heard = (playout.heard(latency) + SIZE // 2) / SIZE
        assert heard - 1.2 <= clicks <= heard + 0.2
    assert playout.pushed == 119 * SIZE


def test_a_machine_that_stutters_gets_a_larger_buffer():
    playout = Playout(SOURCE, SOURCE)
    rng = np.random.default_rng(0)
    noise = rng.uniform(0.05, 0.5, (3000, SIZE)).astype(np.float32)
    late, before = 0, 0
    for index, frame in enumerate(noise):
        late += 1
        if index % 25 not in (23, 24):  # now and then two frames come late
            for _ in range(late):
                playout.push(frame)
            late = 0
        pull(playout, SIZE)
        if index == 1500:
            before = playout.underruns
    assert before > 0 and playout.underruns == before


def test_a_cut_is_silent_after_its_fade_and_says_where():
    playout = Playout(SOURCE, SOURCE)
    ramp = np.linspace(0.1, 0.9, 20 * SIZE, dtype=np.float32).reshape(20, SIZE)
    converse(playout, SOURCE, ramp)
    before = playout.heard()
    end = playout.cut()
    out = pull(playout, SOURCE)

    last = np.flatnonzero(out)[-1]
    assert before < end <= before + SOURCE // 100
    assert last < SOURCE // 100 and np.abs(np.diff(out)).max() < 0.02
    assert playout.heard() == end


@pytest.mark.parametrize("target", RATES)
def test_after_a_cut_nothing_old_sounds_and_counting_goes_on(target):
    playout = Playout(SOURCE, target)
    converse(playout, target, [np.full(SIZE, 0.5, np.float32)] * 20)
    playout.cut()
    out, heard = converse(playout, target, [np.full(SIZE, -0.5, np.float32)] * 20)
    after = out[target // 100 + 10 :]
    assert after.max() < 0.1 and after.min() < -0.45
    assert 20 * SIZE < heard[-1] < playout.pushed == 40 * SIZE
    assert playout.pushed - heard[-1] < SOURCE // 5


def test_what_nobody_pulls_is_dropped_and_memory_stays():
    playout = Playout(SOURCE, 48_000)
    for _ in range(1000):
        playout.push(np.full(SIZE, 0.5, np.float32))
    assert playout.pushed == 1000 * SIZE and playout.heard() == 0
    for _ in range(300):
        pull(playout, 960)
    assert playout.heard() < 120 * SIZE
    playout.push(SILENCE)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 11_025])
def test_a_microphone_of_any_rate_becomes_frames(rate):
    moments = np.arange(2 * rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * moments).astype(np.float32)
    capture, frames = Capture(rate), []
    for start in range(0, len(tone), 123):
        capture.put(tone[start : start + 123])
        while (frame := capture.take()) is not None:
            assert frame.shape == (FRAME,) and frame.dtype == np.float32
            frames.append(frame)
    assert 100 - 3 <= len(frames) <= 100
    middle = np.concatenate(frames)[RATE // 2 : RATE]
    assert np.std(middle) == pytest.approx(0.5 / np.sqrt(2), rel=1e-2)


def test_a_microphone_that_is_not_heeded_loses_and_says_how_much():
    capture = Capture(16_000)
    for _ in range(250):
        capture.put(np.full(320, np.nan, np.float32))
    assert capture.dropped_seconds == pytest.approx(3.0)
    frame = capture.take()
    assert frame is not None and np.array_equal(frame, np.zeros(FRAME))
