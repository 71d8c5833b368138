"""The simulated sound card and the one of files: what a listener would hear, fault by fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from antiphon.errors import UserError
from antiphon.runtime.audio.file_device import SoundFiles
from antiphon.runtime.audio.simulated_device import Fault, Simulated
from antiphon.runtime.events import DeviceBack, DeviceLost
from antiphon.runtime.frames import FRAME, RATE

CODEC = 22_050
SECOND = RATE


def voice(seconds, amplitude=0.3):
    moments = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * 200 * moments)).astype(np.float32)


def run(duplex, out=None):
    """Plays `out(k)`, or silence, for each frame; the frames and positions."""
    frames, heard = [], []
    with duplex:
        for index, mic in enumerate(duplex):
            frames.append(mic)
            duplex.play(np.zeros(441, np.float32) if out is None else out(index))
            heard.append(duplex.heard)
    return frames, np.array(heard)


def tone(index):
    moments = (index * 441 + np.arange(441)) / CODEC
    return (0.3 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32)


def test_the_microphone_hears_the_sound_and_the_listener_what_is_played():
    card = Simulated(voice(2), CODEC, keep=True)
    frames, heard = run(card, tone)
    assert np.array_equal(np.concatenate(frames), voice(2))
    assert len(card.listened) == 2 * SECOND
    assert np.abs(card.listened).max() == pytest.approx(0.3, abs=0.01)
    late = (np.arange(1, 101) * 441 - heard)[10:]
    assert late.min() >= 40 * 22 and late.max() < CODEC // 5


@pytest.mark.parametrize("ppm", [-500, 0, 200, 500])
def test_drift_is_heard_by_nobody(ppm):
    card = Simulated(voice(60), CODEC, drift_ppm=ppm, keep=True)
    _, heard = run(card, lambda index: tone(index) if index % 200 < 150 else np.zeros(441))
    late = (np.arange(1, len(heard) + 1) * 441 - heard) / CODEC
    assert card.underruns == 0 and late.max() < 0.2
    frames = card.listened.reshape(-1, FRAME)
    sounding = np.sqrt(np.mean(frames**2, axis=1)) > 0.2
    assert abs(np.count_nonzero(sounding) - 15 * 150) < 40


def test_an_echo_comes_back_later_into_the_microphone():
    click = np.zeros(441, np.float32)
    click[220] = 1
    card = Simulated(
        np.zeros(SECOND, np.float32), CODEC, latency_ms=100, echo=lambda ear: ear * np.float32(0.5)
    )
    frames, _ = run(card, lambda index: click if index == 10 else np.zeros(441, np.float32))
    sound = np.concatenate(frames)
    assert 0.1 < np.abs(sound).max() <= 0.5
    assert 0.1 < (np.abs(sound).argmax() - 10 * FRAME) / RATE < 0.25


def test_a_dropout_loses_the_microphones_time():
    frames, _ = run(Simulated(voice(2), CODEC, faults=[Fault("dropout", SECOND, SECOND // 2)]))
    assert len(frames) == 75
    expected = np.concatenate([voice(2)[:SECOND], voice(2)[3 * SECOND // 2 :]])
    assert np.array_equal(np.concatenate(frames), expected)


def test_a_device_that_is_gone_says_so_is_silent_and_comes_back():
    events = []
    card = Simulated(voice(4), CODEC, faults=[Fault("gone", SECOND, SECOND)], emit=events.append)
    frames, heard = run(card, tone)
    lost, back = events
    assert isinstance(lost, DeviceLost) and SECOND < lost.at < 2 * SECOND
    assert isinstance(back, DeviceBack) and back.at == 2 * SECOND
    assert len(frames) == 200 and not np.any(frames[50:100])
    assert np.abs(np.concatenate(frames[100:])).max() == pytest.approx(0.3, abs=0.01)
    assert np.ptp(heard[55:99]) == 0 and heard[-1] > 199 * 441 - CODEC // 5


def test_muted_is_silence_and_clipping_is_too_loud():
    faults = [Fault("muted", 0, SECOND), Fault("clipping", SECOND, SECOND)]
    frames, _ = run(Simulated(voice(2), CODEC, faults=faults))
    assert not np.any(frames[:50])
    loud = np.concatenate(frames[50:])
    assert np.abs(loud).max() == 1 and np.mean(np.abs(loud) == 1) > 0.5


def test_clear_keeps_what_was_cut_from_the_listener():
    card = Simulated(voice(2), CODEC, keep=True)
    said = 0
    for index, _ in enumerate(card):
        card.play(tone(index) if index < 50 else np.zeros(441, np.float32))
        if index == 49:
            end = card.clear()
            said = 50 * 441
    assert end < said and card.heard > said
    sounding = np.flatnonzero(np.abs(card.listened) > 0.02)
    assert len(sounding) and (np.ptp(sounding) + 1) / RATE < end / CODEC + 0.01


def test_frames_may_come_from_anywhere_without_end():
    def endless():
        while True:
            yield np.full(FRAME, 0.1, np.float32)

    for index, mic in enumerate(Simulated(endless(), CODEC)):
        assert mic[0] == np.float32(0.1)
        if index == 10:
            break


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_files_begin_together_and_end_together(tmp_path, rate):
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    moments = np.arange(rate + 77) / rate
    soundfile.write(source, 0.3 * np.sin(2 * np.pi * 200 * moments), rate)
    files = SoundFiles(source, target, CODEC, tail=0.5)
    frames, heard = run(files, lambda index: tone(index) if index == 25 else np.zeros(441))

    assert all(frame.shape == (FRAME,) and frame.dtype == np.float32 for frame in frames)
    assert len(frames) == 51 + 25
    sound = np.concatenate(frames)
    assert np.flatnonzero(np.abs(sound) > 0.02)[-1] == pytest.approx(RATE * moments[-1], abs=60)
    assert np.std(sound[1000:15_000]) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    out, out_rate = soundfile.read(target)
    assert out_rate == CODEC and len(out) == (len(frames) + 1) * 441
    sounding = np.flatnonzero(np.abs(out) > 1e-3)
    assert sounding[0] >= 26 * 441 and sounding[-1] < 27 * 441
    assert heard[-1] == files.clear() == len(frames) * 441


def test_a_conversation_that_fails_leaves_its_recording(tmp_path):
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, voice(1), RATE)
    with pytest.raises(RuntimeError), SoundFiles(source, target, CODEC) as files:
        for index, _ in enumerate(files):
            files.play(tone(index))
            if index == 30:
                raise RuntimeError
    assert len(soundfile.read(target)[0]) == 32 * 441


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("missing.wav", "out.wav", "There is no sound file"),
        ("text.wav", "out.wav", "not a sound file"),
        ("in.wav", "out.mp3", "must be a WAV file"),
        ("in.wav", "nowhere/out.wav", "There is no folder"),
    ],
)
def test_files_that_cannot_be_used_are_one_sentence(tmp_path, source, target, sentence):
    soundfile.write(tmp_path / "in.wav", voice(1), RATE)
    Path(tmp_path / "text.wav").write_text("This is no sound.")
    with pytest.raises(UserError, match=sentence):
        SoundFiles(tmp_path / source, tmp_path / target, CODEC).__enter__()
