"""Sound on the wire, with what a receiver must know of it.

MQTT 5 carries that in the content type and in user properties, so the payload is plain sound. MQTT
3.1.1 has neither, so a header of 32 bytes stands before the sound. Numbers are little-endian.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.malformed import MalformedError

HEADER = struct.Struct("<2sBBIIIQQ")
"""Magic, version, format, rate, session, generation, sent, start."""
MAGIC, VERSION = b"An", 1
MAX_FRAMES = 4
"""Frames in a packet at most: 80 ms."""
_U32, _U63, _U64 = 2**32 - 1, 2**63 - 1, 2**64 - 1
_PROPERTIES = {"session": _U32, "generation": _U32, "sent": _U64, "start": _U63}

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
    body: bytes
    """The sound, in the format agreed upon."""

    @property
    def properties(self) -> Properties:
        """What else MQTT 5 carries beside the sound."""
        return [(name, str(getattr(self, name))) for name in _PROPERTIES]

    def framed(self, format_: Format) -> bytes:
        """The payload of MQTT 3.1.1: header and sound."""
        numbers = format_.rate, self.session, self.generation, self.sent, self.start
        return HEADER.pack(MAGIC, VERSION, format_.number, *numbers) + self.body


def read(
    payload: bytes, content_type: str | None, properties: Properties, format_: Format
) -> Packet:
    """Reads a message of either protocol.

    Args:
        payload: as received.
        content_type: of MQTT 5; None means that a header is there.
        properties: the user properties of MQTT 5.
        format_: that was agreed upon.

    Raises:
        MalformedError: It is no sound, or of another format.
    """
    if content_type is None:
        return _framed(payload, format_)
    if content_type != format_.content_type:
        raise MalformedError(f"the content type {content_type[:80]!r} was not agreed upon")
    given = dict(properties)
    try:
        numbers = {name: _number(given[name], most) for name, most in _PROPERTIES.items()}
    except KeyError as error:
        raise MalformedError(f"the user property {error} is missing") from error
    return Packet(body=payload, **numbers)


def _framed(payload: bytes, format_: Format) -> Packet:
    if len(payload) < HEADER.size:
        raise MalformedError("the header is incomplete")
    magic, version, number, rate, session, generation, sent, start = HEADER.unpack_from(payload)
    if (magic, version) != (MAGIC, VERSION):
        raise MalformedError("the header is unknown")
    if (number, rate) != (format_.number, format_.rate) or start > _U63:
        raise MalformedError("the sound is of another format")
    return Packet(session, generation, sent, start, payload[HEADER.size :])


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or int(text) > most:
        raise MalformedError(f"{text[:30]!r} is no number from 0 to {most}")
    return int(text)


class Freshness:
    """How late messages are, by the clocks of two machines that know nothing of each other.

    The quickest message seen shows how far the clocks are apart; what takes longer is late by the
    difference. Clocks drift, so the quickest is slowly forgotten; and a clock may be set anew, so
    it is forgotten at once when nothing but late messages has come for a while.
    """

    MAX_DRIFT = 200e-6
    """Seconds a second that two clocks may part."""
    MAX_LEAP = 120.0
    """Seconds; no network is that much quicker than it was, so the number is wrong."""
    LATE = 0.5
    """Seconds by which all messages are late if the sender's clock was set back."""
    SET_SECONDS = 3.0
    """Seconds of either clock in which that must be so; what only waited arrives faster."""

    def __init__(self) -> None:
        self._least: float | None = None
        self._seen = 0.0
        self._late: tuple[float, float, float] | None = None
        """Since when all messages are late: on either clock, and the quickest of them."""

    def late(self, sent: int, now: float) -> float:
        """Seconds that a message is late.

        Args:
            sent: milliseconds on the sender's clock.
            now: seconds on the receiver's clock.
        """
        sender = sent / 1000
        gap = now - sender
        if self._least is None or self._was_set(sender, now, gap):
            self._least, self._late = gap, None
        elif gap < self._least - self.MAX_LEAP:
            return math.inf
        else:
            self._least = min(gap, self._least + (now - self._seen) * self.MAX_DRIFT)
        self._seen = now
        return gap - self._least

    def _was_set(self, sender: float, now: float, gap: float) -> bool:
        """Whether this message shows that the sender's clock was set anew."""
        if self._least is None or self._least - self.MAX_LEAP <= gap <= self._least + self.LATE:
            self._late = None
            return False
        arrived, left, least = self._late or (now, sender, gap)
        self._late = arrived, left, min(least, gap)
        passed = min(now - arrived, sender - left)
        return passed >= self.SET_SECONDS and gap <= self._late[2] + self.LATE
