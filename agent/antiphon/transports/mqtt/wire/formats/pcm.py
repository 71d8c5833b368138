"""PCM: 16 bits a sample, known to everybody."""

from __future__ import annotations

import numpy as np

from antiphon.transports.mqtt.wire.formats.format import (
    LONGEST_MS,
    Format,
    Samples,
    to_float,
    to_pcm16,
)
from antiphon.transports.mqtt.wire.malformed import MalformedError


class Pcm:
    """16 bits a sample, little-endian.

    Args:
        rate: samples a second.
    """

    def __init__(self, rate: int) -> None:
        self._most = rate * LONGEST_MS // 1000

    def encode(self, pcm: Samples) -> bytes:
        """See `Coder`."""
        return to_pcm16(pcm).tobytes()

    def samples(self, body: bytes) -> int:
        """See `Coder`."""
        samples, rest = divmod(len(body), 2)
        if rest or not 0 < samples <= self._most:
            raise MalformedError(f"{len(body)} bytes are no sound of up to {LONGEST_MS} ms")
        return samples

    def decode(self, body: bytes) -> Samples:
        """See `Coder`."""
        return to_float(np.frombuffer(body, "<i2", count=self.samples(body)))


def pcm(rate: int) -> Format:
    """What everybody knows."""
    return Format(f"audio/pcm;rate={rate};channels=1;encoding=s16le", 0, rate, lambda: Pcm(rate))
