"""Sound files in and out: whatever a user has becomes mono float32, and nothing is lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError

MIN_SECONDS = 0.1
"""Shorter than any word; such a file is a slip of the finger."""
MAX_SECONDS = 30 * 60
"""Bounds the memory of one file; no question takes half an hour."""
SAMPLE_RATES = range(4_000, 384_001)
"""What is a plausible recording of speech."""
BLOCK = 1 << 18
"""Frames read at a time, so that many channels at a high rate do not add up."""


def read(path: str | Path, sample_rate: int = 16_000) -> NDArray[np.float32]:
    """Reads a sound file as mono.

    Takes every format libsndfile knows (WAV, FLAC, Ogg, Opus, MP3, AIFF, …). Channels are
    averaged, samples that are no numbers become silence, and what exceeds full scale is clipped.

    Args:
        path: The file.
        sample_rate: Samples a second to resample to.

    Returns:
        [N] samples in [-1, 1].

    Raises:
        UserError: There is no such file, it is no sound, it is damaged, too short or too long.
    """
    import soundfile
    import soxr

    path = Path(path)
    _require_file(path)
    try:
        with soundfile.SoundFile(path) as file:
            _require_sensible(path, file.samplerate, file.frames)
            blocks = [_mono(block) for block in file.blocks(BLOCK, dtype="float32", always_2d=True)]
            given = file.samplerate
    except (soundfile.LibsndfileError, TypeError) as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        raise UserError(f"Cannot read '{path}' ({error.strerror}).") from error
    pcm = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    _require_sensible(path, given, len(pcm))  # a header may promise more than there is
    if given != sample_rate:
        pcm = soxr.resample(pcm, given, sample_rate)
    return _sane(pcm)


def write(path: str | Path, pcm: NDArray[np.float32], sample_rate: int) -> None:
    """Writes a mono sound file, 16 bits in WAV; the format is that of the name.

    The file takes its place in one step: if writing fails, a file of that name is still what it
    was.

    Args:
        path: The file; its folder exists.
        pcm: [N] samples in [-1, 1].
        sample_rate: Samples a second.

    Raises:
        UserError: The file cannot be written there.
    """
    import soundfile

    target, format = _output(path)
    special = target.exists() and not target.is_file()  # /dev/null must stay /dev/null
    scratch = target if special else target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        soundfile.write(scratch, _sane(pcm), sample_rate, format=format)
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
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(
        f"'{path}' is not a sound file that can be read ({_reason(error)}): "
        "give a WAV, FLAC, Ogg or MP3 file."
    )


def _require_file(path: Path) -> None:
    try:
        mode = path.stat()
    except (OSError, ValueError) as error:
        raise UserError(f"There is no sound file '{path}': check its name.") from error
    if not stat.S_ISREG(mode.st_mode):
        raise UserError(f"'{path}' is not a file: give the name of a sound file.")
    if mode.st_size == 0:
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
    if seconds < MIN_SECONDS:
        raise UserError(
            f"'{path}' lasts {seconds:.2f} s, too short for speech: give at least {MIN_SECONDS} s."
        )
    if seconds > MAX_SECONDS:
        raise UserError(
            f"'{path}' lasts {seconds / 60:.0f} minutes: give at most {MAX_SECONDS // 60}."
        )


def _output(path: str | Path) -> tuple[Path, str]:
    """Returns where to write (symbolic links followed) and libsndfile's name of the format."""
    import soundfile

    target = Path(path).resolve()
    if target.is_dir():
        raise UserError(f"'{path}' is a folder: give the name of a file to write.")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder '{target.parent}': make it first.")
    known = soundfile.available_formats()
    format = target.suffix[1:].upper()
    if target.exists() and not target.is_file():
        format = format if format in known else "WAV"
    if format not in known or format == "RAW":
        raise UserError(
            f"'{path}' does not say which kind of sound file to write: "
            "end its name with .wav, .flac, .ogg or .mp3."
        )
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UserError(f"'{path}' may not be written: check its permissions.")
    return target, format


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
