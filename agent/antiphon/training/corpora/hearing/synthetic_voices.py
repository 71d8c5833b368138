"""Synthetic voices for the training questions. Used in training only."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon import settings, weights
from antiphon.errors import UserError
from antiphon.recognition.whisper.features import SAMPLE_RATE

Sound = NDArray[np.float32]

ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-gbclan", "en-us-nyc")
TIMBRES = ("", "+m1", "+m3", "+m5", "+m7", "+f1", "+f3", "+f4")
FLITE = ("awb", "slt", "kal16")
FESTIVAL = ("voice_cmu_us_slt_arctic_hts",)
TIMEOUT = 60
"""Time limit per text in seconds; some programs never finish certain texts."""
HELD_OUT = ("flite:rms", "piper:en_US-joe-medium.onnx")
"""Voices for evaluation only. The second is the teacher of the agent's own voice: no S2T adapter
was trained on it, and it is the most natural voice available."""


@dataclass(frozen=True)
class Voice:
    """A named synthetic voice."""

    name: str
    """program:voice, for example flite:slt."""
    speak: Callable[[str], Sound]
    """Text to mono samples at 16 kHz."""


def voice(name: str, piper: Path | None = None) -> Voice:
    """Return the voice `name`: espeak:ACCENT+TIMBRE, flite:NAME, festival:NAME or piper:FILE.

    Args:
        name: program:voice; without a file, `piper:` is the first voice of the folder.
        piper: folder of the Piper voices; None for the teacher's.

    Raises:
        UserError: if the program is unknown or not installed.
    """
    program, _, kind = name.partition(":")
    if program == "piper":
        folder = piper or weights.path(settings.load(settings.Training).teacher)
        path = folder / kind if kind else next(folder.glob("*.onnx"))
        return Voice(name, lambda text: _piper(path, text))
    needed = {"espeak": "espeak-ng", "flite": "flite", "festival": "text2wave"}
    if program not in needed:
        raise UserError(f"there is no voice {name!r}: use espeak:…, flite:…, festival:… or piper:…")
    if shutil.which(needed[program]) is None:
        package = "festival" if program == "festival" else needed[program]
        raise UserError(f"the voice {name} needs the Debian package {package}: install it")
    speak = {"espeak": _espeak, "flite": _flite, "festival": _festival}[program]
    return Voice(name, lambda text: speak(kind, text))


def training_voices(piper: Path | None) -> list[Voice]:
    """Training voices, repeated by share: 48 espeak, 48 flite, 2 festival, 36 per Piper voice."""
    names = [f"espeak:{accent}{timbre}" for accent in ACCENTS for timbre in TIMBRES]
    names += [f"flite:{kind}" for kind in FLITE for _ in range(16)]
    names += [f"festival:{kind}" for kind in FESTIVAL for _ in range(2)]
    if piper is not None:
        names += [f"piper:{file.name}" for file in sorted(piper.glob("*.onnx")) for _ in range(36)]
    return [voice(name, piper) for name in names]


def _espeak(kind: str, text: str) -> Sound:
    return wav(run(["espeak-ng", "-v", kind, "-s", "160", "--stdout", "--stdin"], text))


def _flite(kind: str, text: str) -> Sound:
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        run(["flite", "-voice", kind, "-t", text, "-o", out.name], "")
        return wav(Path(out.name).read_bytes())


def _festival(kind: str, text: str) -> Sound:
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        run(["text2wave", "-eval", f"({kind})", "-o", out.name], text)
        data = Path(out.name).read_bytes()
    if not data:
        raise UserError(f"festival does not know {kind}: install Debian's festvox-us-slt-hts")
    return wav(data)


def _piper(path: Path, text: str) -> Sound:
    model = _piper_model(path)
    pieces = [chunk.audio_float_array for chunk in model.synthesize(text)]
    return resampled(np.concatenate(pieces), model.config.sample_rate)


@lru_cache(maxsize=2)
def _piper_model(path: Path):  # type: ignore[no-untyped-def]
    try:
        from piper import PiperVoice
    except ImportError as error:
        raise UserError(
            "the Piper voices need the package piper-tts: pip install 'antiphon[train]'"
        ) from error
    return PiperVoice.load(path)


def run(command: list[str], text: str) -> bytes:
    """What a program prints that reads a text from standard input.

    Raises:
        UserError: It failed, or did not finish.
    """
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, check=False, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]} did not finish saying {text!r} in a minute") from None
    if done.returncode:
        raise UserError(f"{command[0]} could not say {text!r}: {done.stderr.decode().strip()}")
    return done.stdout


def wav(data: bytes) -> Sound:
    """Samples [N] at 16 kHz of a WAV file."""
    import soundfile

    pcm, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return resampled(pcm, rate)


def resampled(pcm: Sound, rate: int) -> Sound:
    """Samples [N] at `rate`, at 16 kHz."""
    import soxr

    return np.asarray(soxr.resample(pcm, rate, SAMPLE_RATE), np.float32)
