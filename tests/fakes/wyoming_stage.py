"""A Wyoming server at a real socket, in the event loop of a test; models are replaced."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from fake_conversation import RATE, WORD, FakeResponder, tone
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from antiphon.errors import UserError
from antiphon.messages import Speech, Word
from antiphon.runtime.options import Options
from antiphon.settings import Models
from antiphon.transports.transport import Host
from antiphon.transports.wyoming.server import Server
from antiphon.transports.wyoming.service import Service
from antiphon.transports.wyoming.transport import WyomingSettings


@dataclass
class Loud:
    speech: bool


class Writer(FakeResponder):
    """Speaks words as they come, and writes back what it was asked and how much it remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = threading.Event()
        """Set once somebody stopped waiting for a reply."""
        self.go_on = threading.Event()
        """A question "wait" is answered when it is set."""

    def say(self, text, *, cancelled):
        at = 0
        try:
            for piece in [text] if isinstance(text, str) else text:
                for word in piece.split():
                    if word == "crash":
                        raise RuntimeError("a model broke")
                    words, pcm = (Word(word, at, at + WORD),), tone(np.arange(at, at + WORD))
                    yield Speech(pcm, RATE, at, f" {word}", words=words)
                    at += WORD
        finally:
            if cancelled():
                self.cancelled.set()

    def write(self, question, history, *, cancelled):
        yield f" {len(history)} turns,"
        if question == "fail":
            raise UserError("The language model is gone: start it.")
        while question == "wait" and not self.go_on.wait(0.01):
            if cancelled():
                self.cancelled.set()
                return
        yield " "
        yield f"then: {question}"
        yield "\n"


class WyomingStage:
    """Serves while it is entered."""

    def __init__(self) -> None:
        self.responder = Writer()
        self.said: list[str] = []

    async def __aenter__(self):
        bound = WyomingSettings(wyoming_uri="tcp://127.0.0.1:0").bind()
        self.port = bound.getsockname()[1]
        responder: Any = self.responder
        never: Any = None
        host = Host(never, self.said.append, responder, Models(voice="amy", llm="tiny"))
        self.service = Service(host, Options(), lambda: lambda pcm: Loud(np.abs(pcm).max() > 0.1))
        self.server = Server(self.service, bound)
        self.task = asyncio.create_task(self.server.run())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def client(self):
        return AsyncTcpClient("127.0.0.1", self.port)

    async def raw(self, data: bytes, until=b""):
        """Sends bytes and returns what comes back until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def read_until(client, *kinds):
    """Events up to one of a kind."""
    events = []
    while not events or events[-1].type not in kinds:
        event = await asyncio.wait_for(client.read_event(), 10)
        assert event is not None, f"the server left after {[each.type for each in events]}"
        events.append(event)
    return events


def types(events):
    return [event.type for event in events]


def on_stage(play):
    """Runs a test with a server and a client of it."""

    async def work():
        async with WyomingStage() as stage, stage.client() as client:
            await play(stage, client)

    asyncio.run(work())


async def send(client, *events):
    for event in events:
        await client.write_event(event if isinstance(event, Event) else event.event())
