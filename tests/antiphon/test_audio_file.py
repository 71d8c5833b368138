"""Every sound file a user may have becomes mono float32 or one clear sentence."""

from __future__ import annotations

import io
import os
import struct
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon import audio_file
from antiphon.errors import UserError


def tone(seconds: float, rate: int, hertz: float = 440) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype("f4")


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_channels_become_the_same_sound(tmp_path, rate, channels):
    file = tmp_path / "a.wav"
    soundfile.write(file, np.stack([tone(1, rate)] * channels, axis=1), rate)

    pcm = audio_file.read(file)

    assert pcm.dtype == np.float32 and pcm.ndim == 1
    assert abs(len(pcm) - 16_000) <= 1
    middle = slice(2_000, 14_000)
    np.testing.assert_allclose(pcm[middle], tone(1, 16_000)[: len(pcm)][middle], atol=2e-3)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
def test_formats(tmp_path, kind):
    file = tmp_path / f"a.{kind}"
    audio_file.write(file, tone(1, 16_000), 16_000)

    pcm = audio_file.read(str(file))

    assert abs(len(pcm) - 16_000) < 3_000  # MP3 pads
    assert 0.3 < np.abs(pcm).max() < 0.7


@pytest.mark.parametrize("kind", ["m4a", "webm", "mp4", "mkv", "opus", "mp3"])
def test_what_phones_and_browsers_write(tmp_path, kind):
    file = tmp_path / f"a.{kind}"
    encode(file, tone(1, 48_000), 48_000)

    pcm = audio_file.read(file)

    assert abs(len(pcm) - 16_000) < 2_000  # codecs pad
    assert np.sqrt(np.mean(pcm[4_000:12_000] ** 2)) == pytest.approx(0.5 / 2**0.5, rel=0.05)
    audio_file.require_readable(file)


def encode(path, pcm, rate):
    """Writes a sound with FFmpeg, beside a picture where the format is one of videos."""
    with av.open(str(path), "w") as container:
        coding = "libopus" if path.suffix in (".webm", ".opus") else "mp3"
        stream = container.add_stream("aac" if path.suffix in (".m4a", ".mp4") else coding, rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(pcm[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        mix = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.frame_size or 960)
        for part in [*mix.resample(frame), *mix.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("length", [0, 1, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_stream_whose_header_lies_is_read_to_its_end(tmp_path, length):
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(1, 16_000), 16_000)
    data = bytearray(file.read_bytes())
    data[40:44] = struct.pack("<I", length)
    file.write_bytes(data)
    assert abs(len(audio_file.read(file)) - 16_000) <= 1


def test_a_pipe_and_standard_input_are_read(tmp_path, monkeypatch):
    encode(tmp_path / "a.webm", tone(1, 48_000), 48_000)
    data = (tmp_path / "a.webm").read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    from_pipe = audio_file.read(pipe)
    writer.join()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    np.testing.assert_array_equal(audio_file.read("-"), from_pipe)
    with pytest.raises(UserError, match="gave no sound"):
        audio_file.read("-")


def test_standard_output_gets_a_wav_file(capfdbinary):
    audio_file.require_writable("-")
    audio_file.write("-", tone(1, 22_050), 22_050)
    assert soundfile.info(io.BytesIO(capfdbinary.readouterr().out)).frames == 22_050


def test_opus_has_rates_of_its_own(tmp_path):
    audio_file.write(tmp_path / "a.opus", tone(1, 22_050), 22_050)
    assert soundfile.info(tmp_path / "a.opus").subtype == "OPUS"
    assert abs(len(audio_file.read(tmp_path / "a.opus")) - 16_000) < 500


def test_a_video_without_sound_is_named(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", 5)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
        container.mux([*stream.encode(picture), *stream.encode(None)])
    with pytest.raises(UserError, match="it holds no sound"):
        audio_file.read(tmp_path / "a.mp4")


def test_channels_are_averaged(tmp_path):
    file = tmp_path / "a.wav"
    soundfile.write(file, np.stack([tone(1, 16_000), np.zeros(16_000)], axis=1), 16_000, "FLOAT")
    np.testing.assert_allclose(audio_file.read(file), tone(1, 16_000) / 2, atol=1e-6)


def test_what_is_no_number_becomes_silence_and_too_loud_is_clipped(tmp_path):
    file = tmp_path / "a.wav"
    pcm = tone(1, 16_000)
    pcm[:4] = [np.nan, np.inf, -np.inf, 7]
    soundfile.write(file, pcm, 16_000, "FLOAT")

    np.testing.assert_array_equal(audio_file.read(file)[:4], [0, 0, 0, 1])


def test_a_long_file_is_read_in_blocks_without_a_seam(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_file, "BLOCK", 1_000)
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(1, 16_000), 16_000, "FLOAT")
    np.testing.assert_array_equal(audio_file.read(file), tone(1, 16_000))


def wav(tmp_path: Path, seconds: float, rate: int = 16_000) -> Path:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(seconds, rate), rate)
    return file


def test_a_truncated_wav_gives_what_is_there(tmp_path):
    file = wav(tmp_path, 1)
    file.write_bytes(file.read_bytes()[:16_044])
    assert len(audio_file.read(file)) == 8_000


def test_a_wav_of_unknown_length_is_read(tmp_path):
    """Programs that write to a pipe cannot know the length when they write the header."""
    file = wav(tmp_path, 1)
    data = bytearray(file.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    file.write_bytes(data)
    assert len(audio_file.read(file)) == 16_000


def test_a_recording_of_silence_is_a_recording(tmp_path):
    file = tmp_path / "a.wav"
    soundfile.write(file, np.zeros(16_000), 16_000)
    assert not audio_file.read(file).any()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.wav", None, "no sound file"),
        ("x" * 300, None, "no sound file"),
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"What is the capital of France?\n" * 99, "not a sound file"),
        ("text.raw", b"What is the capital of France?\n" * 99, "not a sound file"),
        ("header.wav", b"RIFF\x24\x00\x00\x00WAVE", "not a sound file"),
    ],
)
def test_no_sound_is_one_clear_sentence(tmp_path, name, content, says):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=says):
        audio_file.read(file)


def test_too_short_too_long_and_no_speech(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"0\.05 s, too short"):
        audio_file.read(wav(tmp_path, 0.05))
    with pytest.raises(UserError, match="100 samples a second"):
        audio_file.read(wav(tmp_path, 1, rate=100))
    monkeypatch.setattr(audio_file, "MAX_SECONDS", 60)
    with pytest.raises(UserError, match="2 minutes: give at most 1"):
        audio_file.read(wav(tmp_path, 120, rate=8_000))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match="is not a file"):
        audio_file.read(tmp_path)
    with pytest.raises(UserError, match="is a folder"):
        audio_file.write(tmp_path, tone(1, 16_000), 16_000)


@pytest.mark.parametrize("kind", ["flac", "ogg"])
def test_a_damaged_file_gives_sound_or_a_sentence(tmp_path, kind):
    file = tmp_path / f"a.{kind}"
    audio_file.write(file, tone(2, 16_000), 16_000)
    data = file.read_bytes()
    for cut in range(0, len(data), max(1, len(data) // 20)):
        file.write_bytes(data[:cut])
        with suppress(UserError):
            assert np.isfinite(audio_file.read(file)).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"ID3"]))
def test_any_bytes_give_sound_or_a_sentence(tmp_path, content, magic):
    file = tmp_path / "any.wav"
    file.write_bytes(magic + content)
    try:
        assert np.isfinite(audio_file.read(file)).all()
    except UserError as error:
        assert str(error).endswith(".") and "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no/such/folder.wav", "no folder"),
        ("reply", "which kind of sound file"),
        ("reply.txt", "which kind of sound file"),
        ("reply.raw", "which kind of sound file"),
    ],
)
def test_what_cannot_be_written_is_said_before_and_after_the_work(tmp_path, name, says):
    with pytest.raises(UserError, match=says):
        audio_file.require_writable(tmp_path / name)
    with pytest.raises(UserError, match=says):
        audio_file.write(tmp_path / name, tone(1, 16_000), 16_000)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is writable for root")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="may not be written"):
        audio_file.require_writable(tmp_path / "a.wav")


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    file = wav(tmp_path, 1)
    before = file.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(soundfile, "write", full)
    with pytest.raises(UserError, match="No space left"):
        audio_file.write(file, tone(2, 16_000), 16_000)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_writing_replaces_follows_links_and_leaves_devices(tmp_path):
    file, link = wav(tmp_path, 1), tmp_path / "link.wav"
    link.symlink_to(file)

    audio_file.write(link, tone(0.5, 24_000), 24_000)
    assert link.is_symlink() and soundfile.info(file).frames == 12_000

    audio_file.write("/dev/null", tone(0.5, 24_000), 24_000)
    assert Path("/dev/null").is_char_device()


def test_written_samples_come_back(tmp_path):
    pcm = np.array([0, 0.5, -0.5, 1, -1, 3, np.nan] * 1_000, np.float32)
    audio_file.write(tmp_path / "a.wav", pcm, 16_000)
    expected = np.array([0, 0.5, -0.5, 1, -1, 1, 0] * 1_000, np.float32)
    np.testing.assert_allclose(audio_file.read(tmp_path / "a.wav"), expected, atol=1 / 32_000)
