"""Clients of the Realtime API at a server whose models are replaced."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import numpy as np
from fake_conversation import FakeResponder
from http_stage import HttpStage
from websockets.asyncio.client import connect

from antiphon.runtime.responders.tool_responder import ToolResponder
from antiphon.tools import Call
from antiphon.transports.realtime.face import build

RATE = 24_000


class Stage(HttpStage):
    """A server with the Realtime API alone."""

    def __init__(self, responder=None, **chosen) -> None:
        super().__init__(build, responder=responder, **chosen)

    @property
    def talk(self):
        """The conversation that was begun last."""
        return self.conversations[-1]

    def connect(self, query="", **how):
        return Client(connect(f"ws://{self.address}/v1/realtime{query}", **how))


class Events:
    """What a server told, in `events`."""

    events: list[Any]

    def all(self, kind):
        return [event for event in self.events if event["type"] == kind]

    async def of(self, kind, count=1, seconds=20):
        """The count-th event of a kind."""
        for _ in range(seconds * 100):
            if len(self.all(kind)) >= count:
                return self.all(kind)[count - 1]
            await asyncio.sleep(0.01)
        kinds = [event["type"] for event in self.events]
        raise AssertionError(f"no {kind} among {kinds}, {self.all('error')}")

    def kinds(self):
        return [event["type"] for event in self.events]


class Client(Events):
    """Sends events and keeps what comes, without any library between."""

    def __init__(self, line) -> None:
        self._connecting = line
        self.events: list[dict[str, Any]] = []

    async def __aenter__(self):
        self.line = await self._connecting.__aenter__()
        self._reading = asyncio.create_task(self._read())
        await self.of("session.created")
        return self

    async def __aexit__(self, *error):
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._connecting.__aexit__(*error)

    async def _read(self):
        async for message in self.line:
            self.events.append(json.loads(message))

    async def send(self, kind, **fields):
        await self.line.send(json.dumps({"type": kind, **fields}))

    async def update(self, **session):
        await self.send("session.update", session={"type": "realtime", **session})

    async def append(self, *parts, rate=RATE):
        """Sound: pairs of seconds and level."""
        sound = np.concatenate([np.full(round(s * rate), level) for s, level in parts])
        pcm = (sound * 32767).astype("<i2").tobytes()
        await self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    async def ask(self):
        """A question that ends by itself, sent at once."""
        await self.append((0.4, 0.5), (0.5, 0.0))

    async def stream(self, seconds, level):
        """Sound as it is spoken."""
        for _ in range(round(seconds / 0.04)):
            await self.append((0.04, level))
            await asyncio.sleep(0.04)

    async def write(self, text, **item):
        content = [{"type": "input_text", "text": text}]
        told = {"type": "message", "role": "user", "content": content, **item}
        await self.send("conversation.item.create", item=told)

    def sound(self, item_id=None):
        deltas = self.all("response.output_audio.delta")
        raw = [base64.b64decode(d["delta"]) for d in deltas if item_id in (None, d["item_id"])]
        return np.frombuffer(b"".join(raw), "<i2").astype(np.float32) / 32768


class Toolbox:
    """Wants a tool whenever there is one: the n-th turn asks for the n-th call."""

    def __init__(self, peer, calls) -> None:
        self.peer, self.calls = peer, list(calls)

    @property
    def tools(self):
        return self.peer.tools

    def decide_all(self, text):
        if self.tools and self.peer.must_call:
            return [Call(next(iter(self.tools)), {})]
        if not self.tools or not self.calls:
            return []
        return [Call(name, arguments) for name, arguments in self.calls.pop(0)]


def with_tools(*turns):
    """Makes responders that call tools: in each turn a list of names and arguments."""

    def make(peer):
        toolbox: Any = Toolbox(peer, turns)
        return ToolResponder(FakeResponder(), toolbox, peer.execute, seconds=15)

    return make
