"""Any frame rate becomes 25 pictures a second, by time stamps."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import toy_clip
from hypothesis import given
from hypothesis import strategies as st

from antiphon.recognition.lips.video import LONGEST_SIDE, VideoError, at_rate, pictures


def shown(times, rate=25, most=1e9):
    return list(at_rate(zip(times, range(len(times)), strict=True), rate, most))


@given(st.sampled_from([5, 10, 15, 24, 25, 29.97, 30, 50, 60, 120]), st.integers(2, 200))
def test_each_is_the_one_on_the_screen_in_the_middle_of_its_time(fps, count):
    found = shown([i / fps for i in range(count)])
    for slot, number in enumerate(found):
        assert number - 1e-6 <= (slot + 0.5) / 25 * fps <= number + 1 + 1e-6
    assert len(found) == pytest.approx(count / fps * 25, abs=0.5 + 1e-6)


def test_times_may_be_uneven_begin_late_and_go_back():
    assert shown([0.2, 0.24, 0.4, 0.3]) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 3]
    assert shown([-1.0, -0.96, 0.0]) == [2] * 24
    assert shown([]) == [] and shown([0.0]) == [0]
    assert shown([0.0, 1e12], most=2) == [0] * 50


@pytest.mark.parametrize("fps", [15, 25, 60])
def test_a_clip_is_read_at_25_pictures_a_second(tmp_path, fps):
    levels = np.linspace(0, 255, 2 * fps)
    grey = [np.full((48, 64, 3), level, np.uint8) for level in levels]
    found = list(pictures(toy_clip.steady(tmp_path / "c.mp4", grey, fps)))
    assert len(found) == 50 and found[0].shape == (48, 64, 3)
    times = (np.arange(50) + 0.5) / 25
    seen = [picture.mean() for picture in found]
    assert np.abs(np.array(seen) - levels[(times * fps).astype(int)]).max() < 4


def test_large_pictures_become_smaller_and_gaps_repeat_the_same(tmp_path):
    path = toy_clip.write(tmp_path / "c.mp4", [np.zeros((720, 1280, 3), np.uint8)] * 2, [0, 1])
    found = list(pictures(path))
    assert found[0].shape == (540, LONGEST_SIDE, 3)
    assert all(picture is found[0] for picture in found[:25]) and len(found) > 25


def test_a_clip_of_a_phone_is_seen_upright(tmp_path):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255  # upper left; a quarter turn to the right brings it to the upper right
    path = toy_clip.steady(tmp_path / "c.mp4", [picture] * 3, 25)
    data, one = path.read_bytes(), 1 << 16
    upright = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    at = data.index(upright, data.index(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + len(turned) :])
    found = next(pictures(path))
    assert found.shape == (64, 48, 3)
    assert found[:30, 26:].mean() > 230 and found[:30, :22].mean() < 25 > found[34:].mean()


def test_what_is_no_clip_is_said(tmp_path):
    broken, song = tmp_path / "broken.mp4", tmp_path / "song.wav"
    broken.write_bytes(b"x" * 1000)
    song.write_bytes(b"RIFF")
    for path in (broken, song, tmp_path / "none.mp4"):
        with pytest.raises(VideoError):
            list(pictures(path))


def test_the_cover_of_a_song_is_no_clip(tmp_path):
    with pytest.raises(VideoError, match="no pictures"):
        list(pictures(toy_clip.song(tmp_path / "song.mp3")))


def test_pictures_are_counted_from_the_first_sound_on(tmp_path):
    levels = [np.full((48, 64, 3), 20 * number, np.uint8) for number in range(10)]
    pcm = np.zeros(16_000, np.float32)
    path = toy_clip.steady(tmp_path / "c.mkv", levels, 25, pcm, sound_at=0.2)
    found = [picture.mean() for picture in pictures(path)]
    assert found == pytest.approx([100, 120, 140, 160, 180], abs=4)


def test_what_follows_damage_is_left_out(tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (96, 128, 3), dtype=np.uint8) for _ in range(50)]
    whole = toy_clip.steady(tmp_path / "c.mkv", noise, 25)
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    assert 5 < len(list(pictures(whole))) < 45
