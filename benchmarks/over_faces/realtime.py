"""A client of OpenAI's Realtime API."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from over_faces.realtime_messages import MESSAGES as MESSAGES

RATE = 24_000
PATH = "/v1/realtime"


class Client:
    """One conversation.

    Args:
        port: of the server on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.sounds: list[tuple[float, float]] = []
        """When sound of a reply came, and its seconds."""
        self.interrupted = asyncio.Event()
        self.item = ""
        self.samples: dict[str, int] = {}

    async def __aenter__(self) -> Client:
        """Connect."""
        self.line = await connect(f"ws://127.0.0.1:{self._port}{PATH}", max_size=None)
        await self.line.recv()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        self._reading.cancel()
        await self.line.close()

    async def hear(self, seconds: float, level: float) -> None:
        """Send sound of one level."""
        pcm = np.full(round(seconds * RATE), level * 32767, "<i2").tobytes()
        audio = base64.b64encode(pcm).decode()
        await self.line.send(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}')

    async def truncate(self, ms: int) -> None:
        """Say how much of the last reply was played."""
        where = {"item_id": self.item, "content_index": 0, "audio_end_ms": ms}
        await self.line.send(json.dumps({"type": "conversation.item.truncate", **where}))

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.line:
                event: dict[str, Any] = json.loads(message)
                if event["type"] == "response.output_audio.delta":
                    count = len(event["delta"]) * 3 // 8
                    self.sounds.append((time.perf_counter(), count / RATE))
                    self.item = event["item_id"]
                    self.samples[self.item] = self.samples.get(self.item, 0) + count
                elif event["type"] == "input_audio_buffer.speech_started":
                    self.interrupted.set()
