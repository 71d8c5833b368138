"""Home Assistant over Wyoming, and what is no Home Assistant."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from typing import Any

from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from over_faces import client
from over_faces.damage import damaged
from over_faces.hosting import SILENT

RATE = 16_000
FORM = {"rate": RATE, "width": 2, "channels": 1}
PAUSE = SILENT * 0.02
"""Seconds of silence after which Home Assistant takes a turn for over, as our conversation does."""
WAIT_SECONDS = 10.0
"""Seconds after which an event that does not come is given up."""

MESSAGES: list[dict[str, Any]] = [
    {"type": "describe"},
    {"type": "ping", "data": {"text": "a"}},
    {"type": "select-program", "data": {"name": "antiphon"}},
    {"type": "transcribe", "data": {"language": "en", "name": "whisper-tiny.en"}},
    {"type": "audio-start", "data": FORM},
    {"type": "audio-chunk", "data": FORM, "payload_length": 640},
    {"type": "audio-stop"},
    {"type": "synthesize", "data": {"text": "Hello there.", "voice": {"name": "voice-joe"}}},
    {"type": "synthesize-start", "data": {"voice": {"language": "en"}}},
    {"type": "synthesize-chunk", "data": {"text": "Hello "}},
    {"type": "synthesize-stop"},
    {"type": "transcript", "data": {"text": "Hi.", "context": {"conversation_id": "a"}}},
]
"""One of every event that a client may send; a payload of zeros follows the heads that name one."""
BATCH = 40
"""Damaged events of one connection, which ends with the first that is refused."""
MAX_CLIENTS = 10
"""That talk at once: the face takes 32 connections, of which a turn needs up to three."""


class Client(client.Client):
    """A voice assistant's pipeline as Home Assistant runs it, with a connection for each step."""

    CHUNK = 0.064

    async def connect(self) -> None:
        """See `Client`."""
        self._hearing: AsyncTcpClient | None = None
        self._quiet = 0.0

    async def leave(self) -> None:
        """See `Client`."""
        if self._hearing is not None:
            await self._hearing.disconnect()

    async def cut(self) -> None:
        """See `Client`."""
        for task in self.tasks:
            task.cancel()
        if self._hearing is not None and self._hearing._writer is not None:
            self._hearing._writer.transport.abort()

    async def hear(self, seconds: float, level: float, late: float = 0.0) -> None:
        """See `Client`."""
        self.talked += seconds
        pcm = client.sixteen_bits(self.levels(round(seconds * RATE), RATE, level, late))
        if level and self._hearing is None:
            self._hearing = AsyncTcpClient("127.0.0.1", self.port)
            await self._hearing.connect()
            await self._hearing.write_event(Event("transcribe", {"language": "en"}))
            await self._hearing.write_event(Event("audio-start", FORM))
        if self._hearing is None:
            return
        await self._hearing.write_event(Event("audio-chunk", FORM, pcm))
        self._quiet = 0.0 if level else self._quiet + seconds
        if self._quiet > PAUSE - 0.001:
            await self._hearing.write_event(Event("audio-stop"))
            answering = asyncio.create_task(self._answer(self._hearing))
            self.tasks = [*(task for task in self.tasks if not task.done()), answering]
            self._hearing, self._quiet = None, 0.0

    async def _answer(self, hearing: AsyncTcpClient) -> None:
        """Hear, think, speak."""
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            try:
                text = (await until(hearing, "transcript"))[-1].data["text"]
            finally:
                await hearing.disconnect()
            async with AsyncTcpClient("127.0.0.1", self.port) as line:
                context = {"conversation_id": self.name}
                asked = {"text": text or "Hm?", "context": context, "language": "en"}
                await line.write_event(Event("transcript", asked))
                text = (await until(line, "handled"))[-1].data["text"]
            async with AsyncTcpClient("127.0.0.1", self.port) as line:
                await line.write_event(Event("synthesize-start", {"voice": {"language": "en"}}))
                await line.write_event(Event("synthesize-chunk", {"text": text}))
                await line.write_event(Event("synthesize", {"text": text}))
                await line.write_event(Event("synthesize-stop"))
                async for event in events(line, "synthesize-stopped"):
                    if event.type == "audio-chunk":
                        seconds = len(event.payload or b"") / 2 / event.data["rate"]
                        self.came(seconds)
                        self.talked += seconds
            self.answers += 1


async def events(line: AsyncTcpClient, last: str) -> Any:
    """Events up to one of a type.

    Raises:
        OSError: The server has left.
        asyncio.TimeoutError: Nothing came.
    """
    kind = ""
    while kind != last:
        event = await asyncio.wait_for(line.read_event(), WAIT_SECONDS)
        if event is None:
            raise ConnectionError("the server has left")
        kind = event.type
        yield event


async def until(line: AsyncTcpClient, last: str) -> list[Event]:
    """All events up to one of a type; see `events`."""
    return [event async for event in events(line, last)]


async def attack(port: int, count: int, seed: int, tally: Any) -> Any:
    """Connections that send damaged events, each until it is refused; yields after each."""
    chance, messages = random.Random(seed), damaged(MESSAGES, seed)
    while tally.sent < count:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            for _ in range(min(BATCH, count - tally.sent)):
                if reader.at_eof():
                    break
                message = next(messages)
                line = message.encode() if isinstance(message, str) else message
                writer.write(line + b"\n" + payload_of(line))
                tally.sent += 1
                if chance.random() < 0.05:
                    writer.write(chance.randbytes(50))
                await asyncio.wait_for(writer.drain(), 5)
                await asyncio.sleep(0)
            if chance.random() < 0.5:
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 10)
            else:
                writer.transport.abort()
        writer.close()
        yield


def payload_of(line: bytes) -> bytes:
    """The zeros that a head announces."""
    with contextlib.suppress(ValueError, RecursionError, TypeError, AttributeError, OverflowError):
        return bytes(min(int(json.loads(line).get("payload_length", 0)), 10_000))
    return b""


def variety(chance: random.Random) -> dict[str, Any]:
    """How one client differs from the others."""
    return {}
