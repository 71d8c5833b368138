"""A client of OpenAI's Realtime API."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
import time
from functools import cache
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from antiphon.runtime.audio.resampling import Resampler
from over_faces import client
from over_faces.realtime_messages import MESSAGES as MESSAGES

RATE = 24_000
PATH = "/v1/realtime"
ASKING = ('{"type":"conversation.item.retrieve","item_id":"nobody"}',)
"""What is answered at once."""


@cache
def append(levels: tuple[client.Level, ...]) -> str:
    """The event that brings sound."""
    audio = base64.b64encode(client.sixteen_bits(levels)).decode()
    return f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}'


class Client(client.Client):
    """One conversation."""

    CHUNK = 0.04

    async def connect(self) -> None:
        """See `Client`."""
        self.interrupted = asyncio.Event()
        self.item = ""
        """The reply that came last."""
        self.samples: dict[str, int] = {}
        """What came of every reply."""
        self.begun: dict[str, float] = {}
        """When the first sound of every reply came."""
        self.line = await connect(f"ws://127.0.0.1:{self.port}{PATH}", max_size=None)
        await self.line.recv()
        self.tasks.append(asyncio.create_task(self._read()))

    async def leave(self) -> None:
        """See `Client`."""
        await self.line.close()

    async def cut(self) -> None:
        """See `Client`."""
        self.line.transport.abort()

    async def hear(self, seconds: float, level: float, late: float = 0.0) -> None:
        """See `Client`."""
        await self.line.send(append(self.levels(round(seconds * RATE), RATE, level, late)))
        self.talked += seconds

    async def mic(self, pcm: Any) -> None:
        """Send a recording [N] at 16 kHz as fast as it is spoken."""
        sound = Resampler(16_000, RATE)
        due, count = time.perf_counter(), 16_000 // 25
        for begin in range(0, len(pcm), count):
            part = np.clip(sound(pcm[begin : begin + count]), -1, 1)
            audio = base64.b64encode((part * 32767).astype("<i2").tobytes()).decode()
            await self.line.send(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}')
            due += 0.04
            await asyncio.sleep(due - time.perf_counter())

    @property
    def received(self) -> float:
        """Seconds that came of the reply that came last."""
        return self.samples.get(self.item, 0) / RATE

    async def truncate(self, chance: Any) -> float:
        """Say that some of the last reply was played; returns how many seconds."""
        ms = chance.randrange(int(1000 * self.received))
        where = {"item_id": self.item, "content_index": 0, "audio_end_ms": ms}
        await self.line.send(json.dumps({"type": "conversation.item.truncate", **where}))
        return float(ms) / 1000

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.line:
                self._take(json.loads(message))

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "response.output_audio.delta":
            count = len(event["delta"]) * 3 // 8
            self.came(count / RATE)
            self.item = event["item_id"]
            self.begun.setdefault(self.item, time.perf_counter())
            self.samples[self.item] = self.samples.get(self.item, 0) + count
        elif event["type"] == "input_audio_buffer.speech_started":
            self.interrupted.set()
        elif event["type"] == "response.done":
            self.answers += event["response"]["status"] == "completed"


def variety(chance: random.Random) -> dict[str, Any]:
    """How one client differs from the others."""
    return {}
