"""Events as they come off the wire, within limits that no client can exceed.

A message is a line of JSON, then `data_length` bytes of more JSON, then `payload_length` bytes
(https://github.com/OHF-Voice/wyoming). The package's own reader believes every length it is told.
"""

from __future__ import annotations

import asyncio
from typing import Any

from wyoming.event import Event

from antiphon.transports.json_object import json_object

MAX_LINE = 2**16
"""Bytes of the line of JSON; also what is read ahead."""
MAX_DATA = 2**20
"""Bytes of the JSON after it: a text to be spoken is at most this long."""
MAX_PAYLOAD = 2**20
"""Bytes of sound in one message: 32 s at 16 kHz."""
IDLE_SECONDS = 300.0
"""Seconds without a message after which a client is dismissed."""
MESSAGE_SECONDS = 30.0
"""Seconds in which a message that was begun must be complete."""


class RefusedError(Exception):
    """What a client sent cannot be done; it is told so, and its connection ends.

    Args:
        text: one sentence.
        code: for programs.
    """

    def __init__(self, text: str, code: str = "malformed") -> None:
        super().__init__(text)
        self.code = code


async def read(reader: asyncio.StreamReader) -> Event | None:
    """The next event.

    Args:
        reader: with a limit of `MAX_LINE` bytes.

    Returns:
        The event; None if the client has left.

    Raises:
        RefusedError: It is none, or too long.
        asyncio.TimeoutError: None was begun for `IDLE_SECONDS`.
    """
    try:
        line = await asyncio.wait_for(reader.readuntil(b"\n"), IDLE_SECONDS)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as error:
        raise RefusedError(f"A line of JSON is longer than {MAX_LINE} bytes.") from error
    head = parse(line)
    kind = head.get("type")
    if not isinstance(kind, str):
        raise RefusedError("A message has no type.")
    data = head.get("data") or {}
    if not isinstance(data, dict):
        raise RefusedError(f"The data of '{kind[:40]}' are no object.")
    more = length(head, "data_length", MAX_DATA)
    size = length(head, "payload_length", MAX_PAYLOAD)
    try:
        body = await asyncio.wait_for(reader.readexactly(more + size), MESSAGE_SECONDS)
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError):
        return None
    if more:
        data = {**data, **parse(body[:more])}
    return Event(kind, data, body[more:] or None)


def parse(text: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RefusedError: It is none, or nested too deep.
    """
    try:
        return json_object(text)
    except ValueError as error:
        raise RefusedError(f"A message {error}.") from error


def length(head: dict[str, Any], name: str, most: int) -> int:
    """A length that a message announces, in bytes.

    Raises:
        RefusedError: It is no length, or too great.
    """
    told = head.get(name) or 0
    if isinstance(told, bool) or not isinstance(told, int) or not 0 <= told <= most:
        raise RefusedError(f"The {name} of a message must be a number from 0 to {most}.")
    return told
