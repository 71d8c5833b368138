"""Binary frames of the WebSocket, in the three versions of the protocol.

Version 1 is a bare Opus packet. Versions 2 and 3 put a header of big-endian numbers before it:
version, type, four bytes reserved, milliseconds, size; or type, one byte reserved, size.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

Version = Literal[1, 2, 3]
VERSIONS: tuple[Version, ...] = (1, 2, 3)
SOUND, TEXT = 0, 1
"""Types of a frame."""
MAX_PAYLOAD = 2**16 - 1
"""Bytes of a payload: what version 3 can say."""

_V2, _V3 = struct.Struct(">HHIII"), struct.Struct(">BBH")


class MalformedError(ValueError):
    """What a device sent is not what it should be."""


@dataclass(frozen=True)
class Frame:
    """A binary frame."""

    payload: bytes
    """An Opus packet, or JSON."""
    kind: int = SOUND
    """`SOUND` or `TEXT`."""
    timestamp: int = 0
    """Milliseconds; version 2 only."""


def pack(frame: Frame, version: Version) -> bytes:
    """A frame as bytes.

    Raises:
        MalformedError: Its payload is too long.
    """
    payload = frame.payload
    if len(payload) > MAX_PAYLOAD:
        raise MalformedError(f"a frame holds at most {MAX_PAYLOAD} bytes")
    if version == 2:
        told = 2, frame.kind, 0, frame.timestamp % 2**32, len(payload)
        return _V2.pack(*told) + payload
    return _V3.pack(frame.kind, 0, len(payload)) + payload if version == 3 else payload


def unpack(data: bytes, version: Version) -> Frame:
    """Bytes as a frame.

    Raises:
        MalformedError: They are none of this version.
    """
    if version == 1:
        head, kind, timestamp, size = 0, SOUND, 0, len(data)
    else:
        form = _V2 if version == 2 else _V3
        head = form.size
        if len(data) < head:
            raise MalformedError(f"a frame of version {version} has at least {head} bytes")
        if version == 2:
            told, kind, _, timestamp, size = form.unpack_from(data)
            if told != 2:
                raise MalformedError(f"a frame of version 2 says that it is of version {told}")
        else:
            (kind, _, size), timestamp = form.unpack_from(data), 0
    if size != len(data) - head or not 0 < size <= MAX_PAYLOAD:
        raise MalformedError(f"{len(data)} bytes are no frame of version {version}")
    if kind not in (SOUND, TEXT):
        raise MalformedError(f"there is no frame of type {kind}")
    return Frame(data[head:], kind, timestamp)
