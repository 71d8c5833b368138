"""Home Assistant over Wyoming, and what is no Home Assistant."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing.connection
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from antiphon.messages import Speech
from antiphon.runtime.options import Options
from over_faces.damage import damaged
from over_faces.hosting import Words, listening, serving

FORM = {"rate": 16000, "width": 2, "channels": 1}
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


class Reader(Words):
    """Says as many words as it is given, once they have come."""

    def say(self, text: Any, **rest: Any) -> Iterator[Speech]:
        """The words."""
        written = text if isinstance(text, str) else "".join(text)
        return Words(len(written.split())).respond(None, ())


class Loud:
    """What is loud is speech."""

    def __init__(self, pcm: Any) -> None:
        self.speech = bool(np.abs(pcm).max() > 0.05)


def serve(face: str, words: int, pipe: multiprocessing.connection.Connection) -> None:
    """Serve in this process; tells its port."""
    from antiphon.transports.transport import Host
    from antiphon.transports.wyoming.server import Server
    from antiphon.transports.wyoming.service import Service
    from antiphon.transports.wyoming.transport import WyomingSettings

    async def main() -> None:
        never: Any = None
        bound = WyomingSettings(wyoming_uri="tcp://127.0.0.1:0").bind()
        port = bound.getsockname()[1]
        service = Service(Host(never, print, Reader(words)), Options(), lambda: Loud)
        serving = asyncio.create_task(Server(service, bound).run())
        await listening(port)
        pipe.send(port)
        while await asyncio.to_thread(pipe.recv) != "end":
            pipe.send(None)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(main())


async def ask(port: int, text: str = "Hi.") -> list[str]:
    """Types of what comes to a question, to its text to be spoken, and to sound."""
    kinds: list[str] = []
    async with AsyncTcpClient("127.0.0.1", port) as client:

        async def until(kind: str) -> None:
            while not kinds or kinds[-1] != kind:
                event = await asyncio.wait_for(client.read_event(), 10)
                if event is None:
                    raise ConnectionError("the server has left")
                kinds.append(event.type)

        await client.write_event(Event("transcript", {"text": text}))
        await until("handled-stop")
        steps: dict[str, dict[str, Any]] = {"start": {}, "chunk": {"text": text}, "stop": {}}
        for kind, data in steps.items():
            await client.write_event(Event(f"synthesize-{kind}", data))
        await until("synthesize-stopped")
        await client.write_event(Event("transcribe"))
        for _ in range(10):
            await client.write_event(Event("audio-chunk", dict(FORM), bytes(640)))
        await client.write_event(Event("audio-stop"))
        await until("transcript-stop")
    return kinds


async def damage(port: int, messages: Iterator[str | bytes], chance: random.Random) -> int:
    """One connection that sends damaged events until it is refused; how many it sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < BATCH and not reader.at_eof():
            message = next(messages)
            line = message.encode() if isinstance(message, str) else message
            writer.write(line + b"\n" + payload_of(line))
            sent += 1
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
    return sent


def payload_of(line: bytes) -> bytes:
    """The zeros that a head announces."""
    with contextlib.suppress(ValueError, RecursionError, TypeError, AttributeError, OverflowError):
        return bytes(min(int(json.loads(line).get("payload_length", 0)), 10_000))
    return b""


async def fuzz(count: int) -> dict[str, Any]:
    """Damaged events, while a neighbour is served."""
    chance, messages = random.Random(0), damaged(MESSAGES)
    crashes = sent = asked = before = 0
    with serving("wyoming", target=serve) as (port, _, pid):
        server = psutil.Process(pid)
        while sent < count:
            if sent >= count // 4 and not before:
                before = server.memory_info().rss
            sent += await damage(port, messages, chance)
            if sent // 1000 >= asked:
                asked += 1
                try:
                    await ask(port)
                except (OSError, asyncio.TimeoutError):
                    crashes += 1
        growth = server.memory_info().rss - before
        crashes += not server.is_running()
    return {
        "fuzz_messages": sent,
        "fuzz_crashes": crashes,
        "fuzz_neighbour_asked": asked,
        "fuzz_growth_mib": round(growth / 2**20, 1),
    }
