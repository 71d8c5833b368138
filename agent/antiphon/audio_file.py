"""Sound files in and out: whatever a user has becomes mono float32, and nothing is lost."""

from __future__ import annotations

import io
import os
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError

MIN_SECONDS = 0.1
"""Shorter than any word; such a file was recorded by mistake."""
MAX_SECONDS = 30 * 60
"""Bounds the memory of one file; no question takes half an hour."""
SAMPLE_RATES = range(4_000, 384_001)
"""What is a plausible recording of speech."""
STANDARD = "-"
"""Names standard input and output."""
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Samples a second that Opus knows."""
MAX_PIPE_BYTES = 1 << 30
"""Bounds the memory that a pipe can take."""
BLOCK = 1 << 18
"""Frames read at a time, so that many channels at a high rate do not add up."""
MAX_STREAM_SECONDS = 12 * 3600
"""Bounds the work of one recording that is read piece by piece: longer ones are whole days of a
microphone, and are to be cut before."""


def read(path: str | Path, sample_rate: int = 16_000) -> NDArray[np.float32]:
    """Reads a sound file as mono.

    Takes every format that libsndfile knows (WAV, FLAC, Ogg, Opus, MP3, AIFF, …) and, by FFmpeg,
    those of phones and browsers (M4A, WebM, MP4, AMR, …). Channels are averaged, samples that are
    no numbers become silence, and what exceeds full scale is clipped. A WAV file whose header says
    that it is empty, as programs write that stream, is read to its end.

    Args:
        path: The file; a pipe, or - for standard input.
        sample_rate: Samples a second to resample to.

    Returns:
        [N] samples in [-1, 1].

    Raises:
        UserError: There is no such file, it is no sound, it is damaged, too short or too long.
    """
    import soundfile
    import soxr

    path = Path(path)
    source = _source(path)
    try:
        pcm, given = _by_libsndfile(path, source)
    except (soundfile.LibsndfileError, TypeError) as error:
        pcm, given = _by_ffmpeg(path, source, error)
    except OSError as error:
        raise UserError(f"Cannot read '{path}' ({error.strerror}).") from error
    _require_sensible(path, given, len(pcm))  # a header may promise more than there is
    if given != sample_rate:
        pcm = soxr.resample(pcm, given, sample_rate)
    return _sane(pcm)


def stream(path: str | Path, sample_rate: int = 16_000) -> Iterator[NDArray[np.float32]]:
    """Reads a sound file as mono piece by piece, of hours too, in little memory.

    Args:
        path: The file; a pipe, or - for standard input, whose sound comes as it is spoken.
        sample_rate: Samples a second to resample to.

    Yields:
        [N] samples in [-1, 1], pieces of whatever length.

    Raises:
        UserError: There is no such file, it is no sound, it is damaged, or it is too long.
    """
    import soxr

    from antiphon.media_decoder import blocks

    path = Path(path)
    if str(path) != STANDARD and not _is_pipe(path):
        _require_file(path)
    try:
        given, pieces = blocks(sys.stdin.buffer if str(path) == STANDARD else path)
    except ValueError as error:
        raise _unreadable(path, error) from error
    _require_sensible(path, given, int(MIN_SECONDS * given) + 1)
    resampler = soxr.ResampleStream(given, sample_rate, 1, dtype="float32")
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_STREAM_SECONDS * given:
            hours = MAX_STREAM_SECONDS / 3600
            raise UserError(f"'{path}' lasts over {hours:g} hours: cut it before.")
        resampled = _sane(resampler.resample_chunk(np.nan_to_num(piece)))
        if len(resampled):
            yield resampled
    _require_long_enough(path, length / given)
    yield _sane(resampler.resample_chunk(np.zeros(0, np.float32), last=True))


def seconds(path: str | Path) -> float | None:
    """How long a sound file says it is; None: it does not, or is a pipe."""
    import soundfile

    if str(path) == STANDARD or _is_pipe(Path(path)):
        return None
    try:
        return float(soundfile.info(path).duration) or None
    except (soundfile.LibsndfileError, TypeError, OSError):
        return None


def _source(path: Path) -> Path | io.BytesIO:
    """A file, or all bytes of a pipe."""
    if str(path) == STANDARD:
        data = sys.stdin.buffer.read(MAX_PIPE_BYTES)
    elif _is_pipe(path):
        with path.open("rb") as pipe:
            data = pipe.read(MAX_PIPE_BYTES)
    else:
        _require_file(path)
        return path
    if not data:
        raise UserError(f"'{path}' gave no sound: is the program before it running?")
    return io.BytesIO(data)


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo() or path.is_char_device()
    except OSError:  # such a name cannot be
        return False


def _by_libsndfile(path: Path, source: Path | io.BytesIO) -> tuple[NDArray[np.float32], int]:
    import soundfile

    with soundfile.SoundFile(source) as file:
        if not file.frames and file.format in ("WAV", "WAVEX"):
            data = source.getvalue() if isinstance(source, io.BytesIO) else source.read_bytes()
            if (mended := _with_length(data)) != data:
                return _by_libsndfile(path, io.BytesIO(mended))
        _require_sensible(path, file.samplerate, file.frames)
        blocks = [_mono(block) for block in file.blocks(BLOCK, dtype="float32", always_2d=True)]
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), file.samplerate


def _with_length(wav: bytes) -> bytes:
    """A WAV file that was written as a stream, with its length in the header."""
    start = wav.find(b"data", 12) + 8
    return wav[: start - 4] + struct.pack("<I", len(wav) - start) + wav[start:]


def _by_ffmpeg(
    path: Path, source: Path | io.BytesIO, before: Exception
) -> tuple[NDArray[np.float32], int]:
    from antiphon.media_decoder import decode

    if isinstance(source, io.BytesIO):
        source.seek(0)
    try:
        return decode(source, MAX_SECONDS)
    except ValueError as error:
        raise _unreadable(path, error) from before


def write(path: str | Path, pcm: NDArray[np.float32], sample_rate: int) -> None:
    """Writes a mono sound file, 16 bits in WAV; the format is that of the name.

    The file takes its place in one step: if writing fails, a file of that name is still what it
    was.

    Args:
        path: The file; its folder exists. - is standard output, a WAV file.
        pcm: [N] samples in [-1, 1].
        sample_rate: Samples a second.

    Raises:
        UserError: The file cannot be written there.
    """
    import soundfile

    if str(path) == STANDARD:
        memory = io.BytesIO()
        soundfile.write(memory, _sane(pcm), sample_rate, format="WAV")
        sys.stdout.buffer.write(memory.getvalue())
        sys.stdout.buffer.flush()
        return
    target, format, subtype = _output(path)
    if subtype == "OPUS" and sample_rate not in OPUS_RATES:
        import soxr

        rate = min(each for each in OPUS_RATES if each >= min(sample_rate, OPUS_RATES[-1]))
        pcm, sample_rate = soxr.resample(pcm, sample_rate, rate), rate
    special = target.exists() and not target.is_file()  # /dev/null must stay /dev/null
    scratch = target if special else target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        soundfile.write(scratch, _sane(pcm), sample_rate, subtype, format=format)
        if not special:
            scratch.replace(target)
    except (soundfile.LibsndfileError, OSError) as error:
        raise UserError(f"Cannot write '{path}' ({_reason(error)}).") from error
    finally:
        if not special:
            scratch.unlink(missing_ok=True)


def require_writable(path: str | Path) -> None:
    """Raises what `write` would raise for this name, before any work is done.

    Args:
        path: The file to be written later.

    Raises:
        UserError: The file cannot be written there.
    """
    if str(path) != STANDARD:
        _output(path)


def require_readable(path: str | Path) -> None:
    """Raises what `read` would raise for this file, but for its length, without reading it all.

    Args:
        path: The file to be read piece by piece.

    Raises:
        UserError: There is no such file, or it is no sound.
    """
    import soundfile

    path = Path(path)
    _require_file(path)
    try:
        soundfile.info(path)
    except (soundfile.LibsndfileError, TypeError) as error:
        _by_ffmpeg(path, path, error)


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(
        f"'{path}' is not a sound file that can be read ({_reason(error)}): "
        "give a WAV, FLAC, Ogg, MP3, M4A or WebM file."
    )


def _require_file(path: Path) -> None:
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        raise UserError(f"There is no sound file '{path}': check its name.") from error
    if not stat.S_ISREG(facts.st_mode):
        raise UserError(f"'{path}' is not a file: give the name of a sound file.")
    if facts.st_size == 0:
        raise UserError(f"'{path}' is empty: record the sound again.")
    if not os.access(path, os.R_OK):
        raise UserError(f"'{path}' may not be read: check its permissions.")


def _require_sensible(path: Path, sample_rate: int, frames: int) -> None:
    if sample_rate not in SAMPLE_RATES:
        raise UserError(
            f"'{path}' has {sample_rate} samples a second, which is no recording of speech: "
            f"give one with {SAMPLE_RATES[0]:,} to {SAMPLE_RATES[-1]:,}."
        )
    seconds = frames / sample_rate
    _require_long_enough(path, seconds)
    if seconds > MAX_SECONDS:
        raise UserError(
            f"'{path}' lasts {seconds / 60:.0f} minutes: give at most {MAX_SECONDS // 60}."
        )


def _require_long_enough(path: Path, seconds: float) -> None:
    if seconds < MIN_SECONDS:
        raise UserError(
            f"'{path}' lasts {seconds:.2f} s, too short for speech: give at least {MIN_SECONDS} s."
        )


def _output(path: str | Path) -> tuple[Path, str, str | None]:
    """Where to write (symbolic links followed), and libsndfile's names of format and coding."""
    import soundfile

    target = Path(path).resolve()
    if target.is_dir():
        raise UserError(f"'{path}' is a folder: give the name of a file to write.")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder '{target.parent}': make it first.")
    known = soundfile.available_formats()
    format, subtype = target.suffix[1:].upper(), None
    if format == "OPUS":
        format, subtype = "OGG", "OPUS"
    if target.exists() and not target.is_file():
        format = format if format in known else "WAV"
    if format not in known or format == "RAW":
        raise UserError(
            f"'{path}' does not say which kind of sound file to write: "
            "end its name with .wav, .flac, .ogg, .opus or .mp3."
        )
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UserError(f"'{path}' may not be written: check its permissions.")
    return target, format, subtype


def _mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, C] -> [N], with silence where there is no number."""
    mean: NDArray[np.float32] = np.nan_to_num(block, nan=0, posinf=0, neginf=0).mean(axis=1)
    return mean


def _sane(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples that are numbers in [-1, 1]."""
    return np.clip(np.nan_to_num(pcm, nan=0, posinf=0, neginf=0), -1, 1)


def _reason(error: Exception) -> str:
    """What the library says, without the file's name and the full stop."""
    said = getattr(error, "error_string", None) or getattr(error, "strerror", None)
    return str(said or error).rstrip(". ")
