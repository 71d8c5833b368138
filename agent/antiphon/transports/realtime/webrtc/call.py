"""One client over WebRTC, from its offer to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AbstractContextManager, suppress

import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError

from antiphon.runtime.frames import RATE
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.http.sessions import Session
from antiphon.transports.lifecycle import end
from antiphon.transports.realtime.connection import Connection
from antiphon.transports.realtime.protocol.config import SessionConfig
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.items import new_id
from antiphon.transports.realtime.webrtc import aiortc_internals
from antiphon.transports.realtime.webrtc.offer import checked
from antiphon.transports.realtime.webrtc.voice_track import VoiceTrack

log = logging.getLogger(__name__)

CHANNEL = "oai-events"
"""The data channel that events travel over; others are ignored."""
CONNECT_SECONDS = 20.0
"""Seconds in which a client must be connected once its offer was answered."""
CLOSE_SECONDS = 5.0
WATCH_SECONDS = 1.0
MAX_BUFFERED = 2**20
"""Bytes that are given to the data channel ahead of what the client has read."""


class Call:
    """A session whose events travel over a data channel, and whose sound over tracks.

    Args:
        gateway: makes the conversation.
        place: the client's place at the server.
        config: the session as it begins.
        beta: whether events have the names of the beta version.
    """

    def __init__(
        self, gateway: Gateway, place: Session, config: SessionConfig, *, beta: bool
    ) -> None:
        self.id = new_id("rtc")
        self._place = place
        # No servers that find our address: who reaches our HTTP reaches us.
        chosen = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self._peer = RTCPeerConnection(chosen)
        self._voice = VoiceTrack()
        self.connection = Connection(gateway, place, config, self._voice, beta=beta)
        self._work: set[asyncio.Task[None]] = set()
        self._channel: RTCDataChannel | None = None
        self._read = asyncio.Event()
        """Set when the client has read most of what it was sent."""

    async def answer(self, offer: str, address: str) -> str:
        """Answer a client's offer.

        Args:
            offer: SDP.
            address: of this machine, where the client is to connect.

        Returns:
            SDP.

        Raises:
            ApiError: It is no offer of a conversation.
        """
        peer = self._peer
        peer.addTrack(self._voice)
        only = [
            each for each in RTCRtpSender.getCapabilities("audio").codecs if "opus" in each.mimeType
        ]
        peer.getTransceivers()[0].setCodecPreferences(only)
        peer.on("track", self._hear)
        peer.on("datachannel", self._open)
        peer.on("connectionstatechange", self._follow)
        try:
            await peer.setRemoteDescription(RTCSessionDescription(checked(offer), "offer"))
            await aiortc_internals.listen_at(peer, address)
            aiortc_internals.hear_early(peer)
            await peer.setLocalDescription(await peer.createAnswer())
        except ApiError:
            raise
        except Exception as error:  # SDP that can be parsed can be wrong in many ways
            reason = str(error) or type(error).__name__
            raise ApiError(
                f"The offer cannot be answered ({reason[:200]}).", "invalid_offer", "sdp"
            ) from error
        return peer.localDescription.sdp

    async def run(self, admitted: AbstractContextManager[object]) -> None:
        """Serve the client until it is gone, or has to be dismissed.

        Args:
            admitted: given back then.
        """
        with admitted:
            self._start(self._watch())
            try:
                reason = await self._place.ended()
                log.info("call %s is over: %s", self.id, reason)
            finally:
                await self.close()

    def hang_up(self) -> None:
        """End it."""
        self._place.end("The call was hung up.")

    async def close(self) -> None:
        """Let everything go."""
        await end(self._work)
        self.connection.close()
        self._peer.remove_all_listeners()
        try:
            await asyncio.wait_for(self._peer.close(), CLOSE_SECONDS)
        except (asyncio.TimeoutError, ConnectionError, InvalidStateError):
            log.debug("a client did not take its leave")

    # What happens on the line

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _follow(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._place.end("The client is gone.")

    def _hear(self, track: MediaStreamTrack) -> None:
        self._start(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        """Hear the microphone."""
        resampler = av.AudioResampler("flt", "mono", RATE)
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                frame.pts = None  # what was lost is left out
                for heard in resampler.resample(frame):
                    self.connection.hear(heard.to_ndarray()[0], RATE)

    def _open(self, channel: RTCDataChannel) -> None:
        if self._channel is not None or channel.label != CHANNEL:
            return
        self._channel = channel
        channel.bufferedAmountLowThreshold = MAX_BUFFERED // 2
        channel.on("bufferedamountlow", self._read.set)
        channel.on("close", lambda: self._place.end("The client closed the data channel."))
        channel.on("message", self._take)
        self._start(self.connection.outbox.send(self._tell))

    def _take(self, message: str | bytes) -> None:
        self.connection.take(message if isinstance(message, str) else None)

    async def _tell(self, text: str) -> None:
        """Send an event, once the client has read enough of those before it."""
        channel = self._channel
        assert channel is not None
        while channel.bufferedAmount > MAX_BUFFERED:
            self._read.clear()
            await self._read.wait()
        with suppress(InvalidStateError):
            channel.send(text)

    async def _watch(self) -> None:
        """Dismiss a client that does not connect, or sends messages without end."""
        loop = asyncio.get_running_loop()
        until = loop.time() + CONNECT_SECONDS
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if loop.time() > until and self._peer.connectionState != "connected":
                self._place.end(f"The client did not connect within {CONNECT_SECONDS:g} s.")
            elif aiortc_internals.overfull(self._peer):
                self._place.end("The client sends a message without end.")
