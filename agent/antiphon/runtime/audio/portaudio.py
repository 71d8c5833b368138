"""PortAudio, imported late: what is missing is named, and its libraries keep quiet."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from antiphon.errors import UserError

INVALID_CHANNELS, INVALID_RATE, UNAVAILABLE = -9998, -9997, -9985
"""PortAudio's error codes for faults that pass."""


def load() -> Any:
    """The module `sounddevice`.

    Raises:
        UserError: It, or the library PortAudio, is not installed.
    """
    try:
        with quiet():
            _silence_alsa()
            import sounddevice
    except ImportError as error:
        raise UserError("Sound needs sounddevice: run `pip install sounddevice`.") from error
    except OSError as error:
        raise UserError(
            "Sound needs the library PortAudio: install it, on Debian and Ubuntu with "
            "`sudo apt install libportaudio2`."
        ) from error
    return sounddevice


def restart(portaudio: Any) -> None:
    """Lets PortAudio look for devices again, the only way it knows; closes every stream."""
    with suppress(portaudio.PortAudioError):
        portaudio._terminate()
    portaudio._initialize()


def reason(error: Exception) -> str:
    """Why PortAudio refuses, in a few words."""
    code = error.args[1] if len(error.args) > 1 else None
    if code == UNAVAILABLE:
        return "it is busy or gone: close what else uses it, or connect it again"
    if code == INVALID_RATE:
        return "it takes none of the usual sample rates: choose another device"
    said = str(error.args[-1][2]) if len(error.args) > 2 else str(error.args[0])
    said = said.strip().rstrip(".") or "no reason given"
    if "ermission" in said:
        return f"{said}: allow this program to use it"
    return f"{said}: choose another device, see `antiphon devices`"


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what C libraries print to standard error off the terminal; Python's own stays."""
    kept_python = sys.stderr
    try:
        kept_python.flush()
        kept = os.dup(2)
        ours = kept_python.fileno() == 2
    except (OSError, ValueError, AttributeError):  # there is no standard error to speak of
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if ours:
        sys.stderr = os.fdopen(os.dup(kept), "w", buffering=1)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        if ours:
            sys.stderr.close()
            sys.stderr = kept_python
        os.close(nowhere)
        os.close(kept)


def _silence_alsa() -> None:
    """Stops ALSA from printing every underrun, for good; its errors reach us as codes."""
    global _HANDLER
    if not sys.platform.startswith("linux") or _HANDLER is not None:
        return
    with suppress(OSError, AttributeError):
        _HANDLER = ctypes.CFUNCTYPE(None)(lambda: None)
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_HANDLER)


_HANDLER: Any = None
