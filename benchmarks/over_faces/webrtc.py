"""A client of OpenAI's Realtime API over WebRTC."""

from __future__ import annotations

import asyncio
import json
import random
from fractions import Fraction
from functools import cache
from typing import Any

import httpx
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from antiphon.transports.realtime.webrtc import aiortc_internals
from over_faces import client

SERVED_BY = "realtime"
"""The face whose port calls are made at."""
SHARE = 0.25
"""Of the clients and the hours of others: both ends code the sound, which is most of the work."""
RATE, FRAME = 48_000, 960
CONNECT_SECONDS = 20.0


@cache
def tone(level: float) -> Any:
    """A frame of sound that Opus lets pass, [FRAME]."""
    wave = level * np.sin(2 * np.pi * 300 / RATE * np.arange(FRAME))
    return (wave * 32767).astype("<i2")


class Microphone(MediaStreamTrack):
    """Sends the frames that it is given."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.given: asyncio.Queue[float] = asyncio.Queue()
        self._sent = 0

    async def recv(self) -> AudioFrame:
        """See `MediaStreamTrack`."""
        level = await self.given.get()
        frame = AudioFrame.from_ndarray(tone(level)[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += FRAME
        return frame


class Client(client.Client):
    """One call."""

    async def connect(self) -> None:
        """See `Client`."""
        self._microphone, self._begun = Microphone(), asyncio.Event()
        chosen = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.peer = peer = RTCPeerConnection(chosen)
        peer.addTrack(self._microphone)
        peer.createDataChannel("oai-events").on("message", self._take)
        peer.on("track", lambda track: self.tasks.append(asyncio.create_task(self._hear(track))))
        await aiortc_internals.listen_at(peer, "127.0.0.1")
        await peer.setLocalDescription(await peer.createOffer())
        async with httpx.AsyncClient(timeout=CONNECT_SECONDS) as http:
            answer = await http.post(
                f"http://127.0.0.1:{self.port}/v1/realtime/calls",
                content=peer.localDescription.sdp,
                headers={"content-type": "application/sdp"},
            )
        answer.raise_for_status()
        await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        await asyncio.wait_for(self._begun.wait(), CONNECT_SECONDS)

    async def leave(self) -> None:
        """See `Client`."""
        await self.peer.close()

    async def cut(self) -> None:
        """See `Client`."""
        if self.peer.sctp is not None:
            await self.peer.sctp.transport.transport.stop()  # and no good-bye

    async def hear(self, seconds: float, level: float, late: float = 0.0) -> None:
        """See `Client`."""
        for _ in range(round(seconds * RATE / FRAME)):
            self._microphone.given.put_nowait(level)
        self.talked += seconds

    async def _hear(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame: Any = await track.recv()
                if frame.to_ndarray().any():
                    self.came(frame.samples / frame.sample_rate)
        except MediaStreamError:
            return

    def _take(self, text: str) -> None:
        event = json.loads(text)
        if event["type"] == "session.created":
            self._begun.set()
        self.answers += event["type"] == "output_audio_buffer.stopped"


def variety(chance: random.Random) -> dict[str, Any]:
    """How one client differs from the others."""
    return {}
