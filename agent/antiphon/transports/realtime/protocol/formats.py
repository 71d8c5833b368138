"""Formats of sound in the Realtime API: PCM of 24 kHz, and G.711 of telephones."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.resampling import Resampler
from antiphon.runtime.frames import integers
from antiphon.transports.realtime.protocol.errors import ApiError

Format = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
Pcm = NDArray[np.float32]

PCM_RATE = 24_000
"""Samples a second of PCM, and of all replies before they are coded."""
RATES: dict[Format, int] = {"audio/pcm": PCM_RATE, "audio/pcmu": 8_000, "audio/pcma": 8_000}
G711: dict[Format, str] = {"audio/pcmu": "ULAW", "audio/pcma": "ALAW"}
"""Names of libsndfile."""
MAX_BYTES = 15 * 2**20
"""Bytes of sound in one event."""


def decode(data: object, form: Format, param: str) -> Pcm:
    """Sound of a client.

    Args:
        data: base64.
        form: of the sound.
        param: names the field, for errors.

    Returns:
        [N] samples at `RATES[form]`.

    Raises:
        ApiError: It is no base64, or no whole number of samples, or too much.
    """
    if not isinstance(data, str):
        raise ApiError(f"Invalid value for '{param}': give base64.", "invalid_type", param)
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ApiError(f"Invalid value for '{param}': {error}.", "invalid_value", param) from error
    if len(raw) > MAX_BYTES:
        raise ApiError(f"'{param}' holds more than 15 MiB of sound.", "invalid_value", param)
    if form in G711:
        return from_g711(raw, G711[form])
    if len(raw) % 2:
        raise ApiError(
            f"'{param}' ends in the middle of a sample: give 16 bits each.", "invalid_value", param
        )
    return np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(32768)


class Encoder:
    """Codes one reply.

    Args:
        form: of the sound.
    """

    def __init__(self, form: Format) -> None:
        self._form = form
        self._resample = Resampler(PCM_RATE, RATES[form])

    def __call__(self, pcm: Pcm) -> str:
        """The next samples [N] at `PCM_RATE` in base64; some are held back."""
        return self._coded(self._resample(pcm))

    def flush(self) -> str:
        """What was held back, in base64."""
        return self._coded(self._resample.flush())

    def _coded(self, pcm: Pcm) -> str:
        raw = to_g711(pcm, G711[self._form]) if self._form in G711 else sixteen_bits(pcm)
        return base64.b64encode(raw).decode()


def sixteen_bits(pcm: Pcm) -> bytes:
    """[N] samples in 16 bits each, little endian."""
    return integers(pcm).astype("<i2", copy=False).tobytes()


def from_g711(raw: bytes, law: str) -> Pcm:
    """[N] samples of 8 bits each."""
    import soundfile

    if not raw:
        return np.zeros(0, np.float32)
    pcm, _ = soundfile.read(
        io.BytesIO(raw), dtype="float32", format="RAW", subtype=law, samplerate=8000, channels=1
    )
    return np.asarray(pcm, np.float32)


def to_g711(pcm: Pcm, law: str) -> bytes:
    """[N] samples in 8 bits each."""
    import soundfile

    file = io.BytesIO()
    if len(pcm):
        soundfile.write(file, pcm, 8000, format="RAW", subtype=law)
    return file.getvalue()
