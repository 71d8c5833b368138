"""Devices for the XiaoZhi face: the SDK as it is, and a bare socket that says what it likes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import numpy as np
from fake_conversation import FakeAnalyzer, FakeResponder
from http_stage import HttpStage
from websockets.asyncio.client import connect
from xiaozhi_sdk import XiaoZhiWebsocket

from antiphon.runtime.network.opus import Encoder
from antiphon.runtime.options import Options
from antiphon.runtime.responders.worker import ThreadWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.transports.xiaozhi.face import build
from antiphon.transports.xiaozhi.framing import Frame, pack, unpack

MAC = "00:11:22:33:44:55"
PACKET = 960
"""Samples of a packet of 60 ms at 16 kHz."""


class Singer(FakeResponder):
    """Replies in a tone, since Opus lets nothing through that does not swing."""

    def __init__(self, words=3) -> None:
        super().__init__(words)

    def hum(self, count, cancelled, text=""):
        for piece in super().hum(count, cancelled, text):
            yield replace(piece, pcm=sine(len(piece.pcm), piece.sample_rate, piece.start))


def sine(samples, rate, start=0):
    """[N] a tone of 400 Hz."""
    at = np.arange(start, start + samples)
    return (0.5 * np.sin(2 * np.pi * 400 / rate * at)).astype(np.float32)


class XiaozhiStage(HttpStage):
    """A server for devices.

    Args:
        threads: whether the models of a conversation have threads of their own.
        chosen: see `HttpStage`.
    """

    def __init__(self, *, threads=False, **chosen) -> None:
        super().__init__(build, **{"responder": Singer(), **chosen})
        self.threads = threads

    def converse(self, peer):
        if not self.threads:
            return super().converse(peer)
        responder = self.responder(peer) if callable(self.responder) else self.responder
        analyzer: Any = FakeAnalyzer()
        made = Conversation(responder, Options(), work=ThreadWorker(), analyzer=analyzer)
        self.conversations.append(made)
        return made

    @property
    def ota(self):
        return f"http://{self.address}/xiaozhi/ota/"

    @property
    def talk(self):
        return f"ws://{self.address}/xiaozhi/v1/"


class SdkDevice:
    """The SDK as a device, and what it was told.

    Args:
        ota: the address it asks.
        mode: how it listens.
        tools: it has.
    """

    def __init__(self, ota, mode="auto", tools=()) -> None:
        self.told: list[dict[str, Any]] = []
        self.sdk = XiaoZhiWebsocket(self._note, ota_url=ota, audio_sample_rate=16_000)
        self.sdk.mode = mode
        self.tools = list(tools)

    async def _note(self, message):
        self.told.append(message)

    async def __aenter__(self):
        await self.sdk.set_mcp_tool(self.tools)
        assert await self.sdk.init_connection(MAC)
        return self

    async def __aexit__(self, *_):
        await self.sdk.close()

    async def say(self, *parts, fast=True):
        """Sends sound; parts are packets of speech, negative ones of silence."""
        for part in parts:
            tone = sine(PACKET, 16_000) if part > 0 else np.zeros(PACKET)
            pcm = (tone * 32767).astype(np.int16).tobytes()
            for _ in range(abs(part)):
                assert await self.sdk.send_audio(pcm)
                await asyncio.sleep(0 if fast else 0.06)

    async def listen(self, state, **more):
        message = {"session_id": self.sdk.session_id, "type": "listen", "state": state, **more}
        await self.sdk.websocket.send(json.dumps(message))

    def of(self, kind, state=None):
        """Messages of a kind and state."""
        found = [each for each in self.told if each["type"] == kind]
        return [each for each in found if state is None or each.get("state") == state]

    async def until(self, kind, state=None, count=1):
        for _ in range(1500):
            if len(self.of(kind, state)) >= count:
                return self.of(kind, state)
            await asyncio.sleep(0.01)
        raise AssertionError(f"no {kind} {state}, but {self.told}")

    @property
    def sound(self):
        """[N] what it has got to play, at 16 kHz."""
        parts = [np.ravel(part) for part in self.sdk.output_audio_queue]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)


class BareDevice:
    """A device of which every byte is known.

    Args:
        url: of the server.
        version: of the binary frames.
    """

    def __init__(self, url, version=1, **headers) -> None:
        self.version = version
        named = {"protocol-version": str(version), "device-id": MAC, **headers}
        self._connecting = connect(url, additional_headers=named)
        self._encode = Encoder(60)

    async def __aenter__(self):
        self.line = await self._connecting.__aenter__()
        return self

    async def __aexit__(self, *how):
        await self._connecting.__aexit__(*how)

    async def tell(self, **message):
        await self.line.send(json.dumps(message))

    async def hello(self, **features):
        sound = {"format": "opus", "sample_rate": 16_000, "channels": 1, "frame_duration": 60}
        await self.tell(
            type="hello",
            version=self.version,
            features=features,
            transport="websocket",
            audio_params=sound,
        )
        return json.loads(await asyncio.wait_for(self.line.recv(), 10))

    async def say(self, *parts):
        for part in parts:
            samples = abs(part) * 1440
            tone = sine(samples, 24_000) if part > 0 else np.zeros(samples, np.float32)
            for packet in self._encode(tone):
                await self.line.send(pack(Frame(packet), self.version))

    async def hear(self, *, until):
        """What comes up to a message that fits; sound as frames."""
        got: list[Any] = []
        while not got or isinstance(got[-1], Frame) or not until(got[-1]):
            data = await asyncio.wait_for(self.line.recv(), 15)
            got.append(unpack(data, self.version) if isinstance(data, bytes) else json.loads(data))
        return got


def stops(message):
    return message.get("state") == "stop"


def frames_of(text):
    """How many frames of speech a transcript tells; not all samples of a tone are loud."""
    return int(text.split()[1])
