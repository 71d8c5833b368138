"""A XiaoZhi device: packets of 60 ms both ways."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from antiphon.runtime.network.opus import RATE as RATE
from antiphon.runtime.network.opus import Encoder
from antiphon.transports.xiaozhi.framing import VERSIONS, Frame, pack
from over_faces import client
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
def packet(before: float, levels: tuple[client.Level, ...]) -> bytes:
    """An Opus packet of a tone, in a stream that had one level before."""
    length = sum(count for count, _ in levels)
    tone = np.sin(2 * np.pi * 400 / RATE * np.arange(10 * length))
    counts, loudness = zip((9 * length, before), *levels, strict=True)
    tone *= np.repeat(loudness, counts)
    return Encoder(1000 * length // RATE)(tone.astype(np.float32))[-1]


LOUD = packet(0.5, ((RATE * 60 // 1000, 0.5),))


class Client(client.Client):
    """One conversation.

    Args:
        port: of the server on this machine.
        name: of the device.
        tools: whether the device says that it has tools.
        mode: how it listens.
    """

    CHUNK = 0.06

    def __init__(
        self, port: int, name: str = "device", *, tools: bool = False, mode: str = "realtime"
    ) -> None:
        super().__init__(port, name)
        self._tools, self._mode = tools, mode
        self.told: list[dict[str, Any]] = []
        """Messages that came."""
        self._listening = True

    async def connect(self) -> None:
        """See `Client`."""
        self.line = await connect(f"ws://127.0.0.1:{self.port}{PATH}", max_size=None)
        await self.line.send(json.dumps({**HELLO, "features": {"mcp": self._tools}}))
        await self.line.recv()
        await self.line.send(json.dumps({**LISTEN, "mode": self._mode}))
        self.tasks.append(asyncio.create_task(self._read()))

    async def leave(self) -> None:
        """See `Client`."""
        await self.line.close()

    async def cut(self) -> None:
        """See `Client`."""
        self.line.transport.abort()

    async def hear(self, seconds: float, level: float, late: float = 0.0) -> None:
        """See `Client`."""
        self.talked += seconds
        before, levels = self.level, self.levels(round(seconds * RATE), RATE, level, late)
        if self._listening:
            await self.line.send(packet(before, levels))

    async def tell(self, **message: Any) -> None:
        """Send a message."""
        await self.line.send(json.dumps(message))

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.line:
                if isinstance(message, bytes):
                    self.came(0.06)
                else:
                    await self._take(json.loads(message))

    async def _take(self, message: dict[str, Any]) -> None:
        self.told.append(message)
        payload = message.get("payload") or {}
        if message["type"] == "tts" and message["state"] != "sentence_start":
            over = message["state"] == "stop"
            self.answers += over
            self._listening = over or self._mode == "realtime"
            if over and self._mode == "auto":
                await self.tell(**{**LISTEN, "mode": "auto"})
        elif "id" in payload:
            listed = payload["method"] == "tools/list"
            result = {"tools": [TOOL]} if listed else {"content": []}
            await self.tell(type="mcp", payload={"id": payload["id"], "result": result})


def damage(seed: int) -> Iterator[str | bytes]:
    """What a hostile device sends after a good hello: damaged messages, frames and packets."""
    chance, messages = random.Random(seed), damaged(MESSAGES, seed)
    while True:
        if chance.random() < 0.7:
            yield next(messages)
            continue
        body = bytearray(LOUD)
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
ASKING = (LAST,)
"""What is answered at length."""
BATCH = 60
"""Damaged messages of one device; it is let go after fifty that are not understood."""


def variety(chance: random.Random) -> dict[str, Any]:
    """How one client differs from the others."""
    return {"mode": chance.choice(("auto", "realtime")), "tools": chance.random() < 0.5}
