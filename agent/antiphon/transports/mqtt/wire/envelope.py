"""Messages on the wire, whatever library carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.packets import Packet

SOUND_EXPIRY = 2
"""Seconds that a broker may keep sound for a client that does not read."""


@dataclass(frozen=True)
class Incoming:
    """A message that arrived."""

    topic: str
    payload: bytes
    retained: bool = False
    """Kept by the broker since before; so it may be old."""
    content_type: str | None = None
    properties: Sequence[tuple[str, str]] = ()
    """The user properties of MQTT 5."""
    response: str | None = None
    """Where an answer is wanted."""
    correlation: bytes | None = None
    """What the answer must repeat."""


@dataclass(frozen=True)
class Outgoing:
    """A message to be sent."""

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 0
    retain: bool = False
    expiry: int | None = None
    """Seconds the broker may keep it for a client that is offline."""
    content_type: str | None = None
    properties: Sequence[tuple[str, str]] = ()
    response: str | None = None
    correlation: bytes | None = None


def sound(
    topic: str, packet: Packet, format_: Format, framing: Literal["properties", "header"]
) -> Outgoing:
    """A packet as a message.

    Args:
        topic: where to.
        packet: of sound.
        format_: that was agreed upon.
        framing: as the robot said hello.
    """
    if framing == "header":
        return Outgoing(topic, packet.framed(format_), expiry=SOUND_EXPIRY)
    return Outgoing(
        topic,
        packet.body,
        expiry=SOUND_EXPIRY,
        content_type=format_.content_type,
        properties=packet.properties,
    )
