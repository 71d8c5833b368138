"""A XiaoZhi device: it listens while it plays, in packets of 20 ms up and 60 ms down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from antiphon.runtime.network.opus import RATE as RATE
from antiphon.runtime.network.opus import Encoder
from antiphon.transports.xiaozhi.framing import VERSIONS, Frame, pack
from over_faces.damage import damaged

PATH = "/xiaozhi/v1/"
SOUND = {"format": "opus", "sample_rate": 16000, "channels": 1, "frame_duration": 60}
HELLO: dict[str, Any] = {
    "type": "hello",
    "version": 1,
    "features": {"mcp": False},
    "transport": "websocket",
    "audio_params": SOUND,
}
LISTEN = {"session_id": "", "type": "listen", "state": "start", "mode": "realtime"}
TOOL = {"name": "self.lamp.on", "description": "Switch the lamp on.", "inputSchema": {}}
MESSAGES: list[dict[str, Any]] = [
    HELLO,
    LISTEN,
    {**LISTEN, "mode": "manual"},
    {**LISTEN, "mode": "auto"},
    {**LISTEN, "state": "stop"},
    {**LISTEN, "state": "detect", "text": "Alexa"},
    {**LISTEN, "state": "detect", "text": "How late is it?"},
    {"type": "abort", "reason": "wake_word_detected"},
    {"type": "mcp", "payload": {"jsonrpc": "2.0", "id": 1, "result": {"capabilities": {}}}},
    {"type": "mcp", "payload": {"id": 2, "result": {"tools": [TOOL], "nextCursor": "a"}}},
    {"type": "mcp", "payload": {"id": 3, "error": {"code": -32601, "message": "no"}}},
    {"type": "mcp", "payload": {"method": "notifications/tools/list_changed"}},
]
"""One of every message that a device may send."""


@cache
def packet(seconds: float, level: float) -> bytes:
    """An Opus packet from the middle of a tone."""
    encode, length = Encoder(round(seconds * 1000)), round(seconds * RATE)
    tone = level * np.sin(2 * np.pi * 400 / RATE * np.arange(10 * length))
    return encode(tone.astype(np.float32))[-1]


class Client:
    """One conversation.

    Args:
        port: of the server on this machine.
        tools: whether the device says that it has tools.
        mode: how it listens.
    """

    def __init__(self, port: int, *, tools: bool = False, mode: str = "realtime") -> None:
        self._port, self._tools, self._mode = port, tools, mode
        self.sounds: list[tuple[float, float]] = []
        """When sound of a reply came, and its seconds."""
        self.told: list[dict[str, Any]] = []
        """Messages that came."""

    async def __aenter__(self) -> Client:
        """Connect."""
        self.line = await connect(f"ws://127.0.0.1:{self._port}{PATH}", max_size=None)
        await self.line.send(json.dumps({**HELLO, "features": {"mcp": self._tools}}))
        await self.line.recv()
        await self.line.send(json.dumps({**LISTEN, "mode": self._mode}))
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        self._reading.cancel()
        await self.line.close()

    async def hear(self, seconds: float, level: float) -> None:
        """Send sound of one level."""
        await self.line.send(packet(seconds, level))

    async def tell(self, **message: Any) -> None:
        """Send a message."""
        await self.line.send(json.dumps(message))

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.line:
                if isinstance(message, bytes):
                    self.sounds.append((time.perf_counter(), 0.06))
                else:
                    self.told.append(json.loads(message))


def damage(seed: int) -> Iterator[str | bytes]:
    """What a hostile device sends after a good hello: damaged messages, frames and packets."""
    chance, messages = random.Random(seed), damaged(MESSAGES, seed)
    while True:
        if chance.random() < 0.7:
            yield next(messages)
            continue
        body = bytearray(packet(0.02, 0.5))
        for _ in range(chance.choice((0, 1, 1, 5))):
            body[chance.randrange(len(body))] = chance.randrange(256)
        frame = pack(Frame(bytes(body), chance.randrange(2)), chance.choice(VERSIONS))
        cut = chance.randrange(len(frame) + 1) if chance.random() < 0.3 else len(frame)
        yield frame[:cut]
        if chance.random() < 0.01:
            yield bytes(chance.randrange(100_000))


ANSWERED = "Is this the end?"
FIRST = (json.dumps(HELLO), json.dumps(LISTEN))
LAST = json.dumps({**LISTEN, "state": "detect", "text": ANSWERED})
"""What damaged messages come after and before, and the text of the answer to the last one."""
BATCH = 60
"""Damaged messages of one device; it is let go after fifty that are not understood."""
