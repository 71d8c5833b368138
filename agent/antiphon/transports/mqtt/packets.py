"""Sound on the wire: PCM of 16 bits, with what a receiver must know of it.

MQTT 5 carries that in the content type and in user properties, so the payload is plain sound. MQTT
3.1.1 has neither, so a header of 32 bytes stands before the sound. Numbers are little-endian.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.transports.mqtt.errors import MalformedError

HEADER = struct.Struct("<2sBBIIIQQ")
"""Magic, version, codec, rate, session, generation, sent, start."""
MAGIC, VERSION, PCM16 = b"An", 1, 0
LONGEST_MS = 1000
"""More sound than this in one message is not a stream."""
CONTENT_TYPE = "audio/pcm;rate={rate};channels=1;encoding=s16le"
_CONTENT_TYPE = re.compile(r"audio/pcm;rate=([0-9]{4,6});channels=1;encoding=s16le", re.ASCII)
_U32, _U64 = 2**32 - 1, 2**64 - 1
_PROPERTIES = {"session": _U32, "generation": _U32, "sent": _U64, "start": _U64}

Properties = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Packet:
    """A piece of sound."""

    session: int
    """Whose: the robot's `session` on the way in, the server's `stream` on the way out."""
    generation: int
    """Of the reply; what is older than the newest seen is never played. 0 on the way in."""
    sent: int
    """When: milliseconds on the sender's clock, so that what is late can be told."""
    start: int
    """Index of the first sample in the sender's stream."""
    rate: int
    """Samples a second."""
    pcm: NDArray[np.int16]
    """[N] samples."""

    @property
    def end(self) -> int:
        """Index of the sample behind the last."""
        return self.start + len(self.pcm)

    @property
    def content_type(self) -> str:
        """The format, as MQTT 5 says it."""
        return CONTENT_TYPE.format(rate=self.rate)

    @property
    def properties(self) -> Properties:
        """What else MQTT 5 carries beside the sound."""
        return [(name, str(getattr(self, name))) for name in _PROPERTIES]

    def body(self) -> bytes:
        """The payload of MQTT 5: sound only."""
        return self.pcm.astype("<i2", copy=False).tobytes()

    def framed(self) -> bytes:
        """The payload of MQTT 3.1.1: header and sound."""
        numbers = self.rate, self.session, self.generation, self.sent, self.start
        return HEADER.pack(MAGIC, VERSION, PCM16, *numbers) + self.body()


def read(payload: bytes, content_type: str | None, properties: Properties) -> Packet:
    """Reads a message of either protocol.

    Args:
        payload: as received.
        content_type: of MQTT 5; None means that a header is there.
        properties: the user properties of MQTT 5.

    Raises:
        MalformedError: It is no sound.
    """
    if content_type is None:
        return _framed(payload)
    found = _CONTENT_TYPE.fullmatch(content_type)
    if found is None:
        raise MalformedError(f"the content type {content_type[:80]!r} is unknown")
    given = dict(properties)
    try:
        numbers = {name: _number(given[name], most) for name, most in _PROPERTIES.items()}
    except KeyError as error:
        raise MalformedError(f"the user property {error} is missing") from error
    rate = int(found[1])
    return Packet(rate=rate, pcm=_pcm(payload, 0, rate, numbers["start"]), **numbers)


def _framed(payload: bytes) -> Packet:
    if len(payload) < HEADER.size:
        raise MalformedError("the header is incomplete")
    magic, version, codec, rate, session, generation, sent, start = HEADER.unpack_from(payload)
    if (magic, version, codec) != (MAGIC, VERSION, PCM16):
        raise MalformedError("the header is unknown")
    return Packet(session, generation, sent, start, rate, _pcm(payload, HEADER.size, rate, start))


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or int(text) > most:
        raise MalformedError(f"{text[:30]!r} is no number from 0 to {most}")
    return int(text)


def _pcm(payload: bytes, offset: int, rate: int, start: int) -> NDArray[np.int16]:
    samples, rest = divmod(len(payload) - offset, 2)
    if rest or not 0 < samples <= rate * LONGEST_MS // 1000:
        raise MalformedError(f"{len(payload) - offset} bytes are no sound of up to {LONGEST_MS} ms")
    if start > _U64 - samples:
        raise MalformedError("the sound ends after the end of counting")
    return np.frombuffer(payload, "<i2", offset=offset).astype(np.int16, copy=False)


def to_pcm16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """[N] samples in [-1, 1] as 16 bits; what exceeds full scale is clipped."""
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16)


def to_float(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """[N] samples of 16 bits in [-1, 1]."""
    return pcm.astype(np.float32) / np.float32(32768)


class Freshness:
    """How late messages are, by the clocks of two machines that know nothing of each other.

    The quickest message seen shows how far the clocks are apart; what takes longer is late by the
    difference. Clocks drift, so the quickest is slowly forgotten.
    """

    DRIFT = 200e-6
    """Seconds a second that two clocks may part."""
    LEAP = 120.0
    """Seconds; no network is that much quicker than it was, so the number is wrong."""

    def __init__(self) -> None:
        self._least: float | None = None
        self._seen = 0.0

    def late(self, sent: int, now: float) -> float:
        """Seconds that a message is late.

        Args:
            sent: milliseconds on the sender's clock.
            now: seconds on the receiver's clock.
        """
        gap = now - sent / 1000
        if self._least is not None and gap < self._least - self.LEAP:
            return math.inf
        if self._least is not None:
            self._least = min(gap, self._least + (now - self._seen) * self.DRIFT)
        else:
            self._least = gap
        self._seen = now
        return gap - self._least
