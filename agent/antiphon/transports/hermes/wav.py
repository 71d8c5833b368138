"""The WAV files in which sound travels over Hermes."""

from __future__ import annotations

import io
import wave

from antiphon.runtime.frames import RATE
from antiphon.transports.mqtt.wire.malformed import MalformedError


def samples(payload: bytes) -> bytes:
    """The samples of a satellite's microphone.

    Raises:
        MalformedError: It is no WAV file of 16,000 samples a second, one channel, 16 bits.
    """
    try:
        with wave.open(io.BytesIO(payload)) as file:
            form = file.getframerate(), file.getnchannels(), file.getsampwidth()
            data = file.readframes(RATE)
    except (wave.Error, EOFError, OverflowError) as error:
        raise MalformedError("the sound is no WAV file") from error
    if form != (RATE, 1, 2) or len(data) % 2 or not data:
        raise MalformedError("the sound must have 16,000 samples a second, one channel, 16 bits")
    return data


def file(data: bytes, rate: int) -> bytes:
    """A WAV file of samples of 16 bits."""
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(data)
    return made.getvalue()
