"""A client of the Realtime API over WebRTC: aiortc at both ends of real UDP sockets."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from fractions import Fraction
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
from fake_conversation import RATE, WORD, FakeResponder
from realtime_client import Events, Stage

from antiphon.messages import Speech, Word
from antiphon.transports.realtime.webrtc import aiortc_internals

CLOCK = 48_000
FRAME = CLOCK // 50
LOWEST, STEP = 400, 200
"""Hertz of the first word that is said, and between two words."""


class Singer(FakeResponder):
    """Says every word at its own pitch, so that what was heard can be told from the sound."""

    def hum(self, count, cancelled, text=""):
        self.replies += 1
        texts = text.split() or [f"r{self.replies}w{i}" for i in range(count)]
        for i, word in enumerate(texts):
            if cancelled():
                return
            time = np.arange(WORD) / RATE
            pcm = (0.4 * np.sin(2 * np.pi * pitch(i) * time)).astype(np.float32)
            words = (Word(word, i * WORD, (i + 1) * WORD),)
            last = i == len(texts) - 1
            yield Speech(pcm, RATE, i * WORD, f" {word}", units=(1,), words=words, final=last)


def pitch(word):
    """Hertz of the n-th word of a reply."""
    return LOWEST + STEP * word


class Microphone(MediaStreamTrack):
    """Sends what is said, and silence otherwise."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames: deque[float] = deque()
        self._sent = 0
        self._begun: float | None = None

    def say(self, *parts):
        """Pairs of seconds and level."""
        for seconds, level in parts:
            self._frames.extend([level] * round(seconds * 50))

    async def recv(self):
        now = asyncio.get_running_loop().time()
        self._begun = now if self._begun is None else self._begun
        await asyncio.sleep(self._begun + self._sent / CLOCK - now)
        if self.readyState != "live":
            raise MediaStreamError
        level = self._frames.popleft() if self._frames else 0.0
        tone = level * np.sin(2 * np.pi * 300 / CLOCK * (self._sent + np.arange(FRAME)))
        frame = AudioFrame.from_ndarray((tone * 32767).astype("<i2")[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = CLOCK, self._sent, Fraction(1, CLOCK)
        self._sent += FRAME
        return frame


class Peer(Events):
    """Connects, sends events, and keeps what comes.

    Args:
        stage: to be connected to.
        microphone: whether it has one.
        channel: whether it wants events.
        offer: changes the offer before it is sent.
        how: more of the request.
    """

    def __init__(self, stage, *, microphone=True, channel=True, offer=lambda sdp: sdp, **how):
        self.stage, self._offer, self._how = stage, offer, how
        self.microphone = Microphone()
        chosen = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.peer = RTCPeerConnection(chosen)
        self.peer.addTrack(self.microphone) if microphone else self.peer.addTransceiver("audio")
        self.channel = self.peer.createDataChannel("oai-events") if channel else None
        if self.channel:
            self.channel.on("message", lambda text: self.events.append(json.loads(text)))
        self.peer.on("track", self._track)
        self.events: list[dict[str, Any]] = []
        self.pieces: list[np.ndarray] = []
        self.response: httpx.Response | None = None

    async def __aenter__(self):
        await self.dial()
        assert self.response.status_code == 201, self.response.text
        if self.channel:
            await self.of("session.created")
        return self

    async def __aexit__(self, *_):
        await self.peer.close()

    async def dial(self):
        """Send the offer, and connect if it is answered."""
        await aiortc_internals.listen_at(self.peer, "127.0.0.1")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        sdp = self._offer(self.peer.localDescription.sdp)
        how = {"headers": {"content-type": "application/sdp"}, **self._how}
        if "files" not in how:
            how.setdefault("content", sdp)
        else:
            del how["headers"]
            how["files"] = {"sdp": (None, sdp, "application/sdp"), **how["files"]}
        path = how.pop("path", "/v1/realtime/calls")
        async with httpx.AsyncClient(base_url=f"http://{self.stage.address}") as http:
            self.response = await http.post(path, **how)
        if self.response.status_code == 201:
            answer = RTCSessionDescription(self.response.text, "answer")
            await self.peer.setRemoteDescription(answer)

    def _track(self, track):
        self._hearing = asyncio.ensure_future(self._hear(track))

    async def _hear(self, track):
        try:
            while True:
                frame = await track.recv()
                self.pieces.append(frame.to_ndarray()[0, ::2].astype(np.float32) / 32768)
        except MediaStreamError:
            pass

    async def send(self, kind, **fields):
        self.channel.send(json.dumps({"type": kind, **fields}))

    async def update(self, **session):
        await self.send("session.update", session={"type": "realtime", **session})

    async def write(self, text):
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send("conversation.item.create", item=item)

    def ask(self):
        """A question that ends by itself."""
        self.microphone.say((0.5, 0.5))

    @property
    def heard(self):
        """Everything that was heard, [N] at 48 kHz."""
        return np.concatenate([np.zeros(0, np.float32), *self.pieces])

    async def words(self):
        """How many words were heard for half of their length, once all of them have come."""
        await asyncio.sleep(0.4)
        size = FRAME // 2
        frames = self.heard[: len(self.heard) // size * size].reshape(-1, size)
        loud = frames[np.abs(frames).max(1) > 0.1]
        spectrum = np.abs(np.fft.rfft(loud * np.hanning(size), CLOCK // 10))
        word = np.rint((spectrum.argmax(1) * 10 - LOWEST) / STEP).astype(int)
        half = WORD / RATE / 2 * CLOCK / size
        heard = [i for i in range(30) if np.count_nonzero(word == i) >= half]
        assert heard == list(range(len(heard)))
        return len(heard)


class CallStage(Stage):
    """A server whose agent says every word at its own pitch."""

    def __init__(self, responder=None, **chosen) -> None:
        super().__init__(responder or Singer(), **chosen)

    def call(self, **how):
        return Peer(self, **how)
