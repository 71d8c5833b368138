"""The agent's voice as a track of WebRTC: paced, and silent while nothing is said."""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from antiphon.runtime.clock import Clock, WallClock
from antiphon.runtime.network.opus import Encoder
from antiphon.transports.realtime.protocol.formats import Pcm
from antiphon.transports.realtime.protocol.response import Response

PACKET_MS = 20
MAX_LATE = 0.1
"""Seconds that are made up for if the process was busy; packets that are due longer are not."""
CLOCK_RATE = 48_000
"""Ticks a second of Opus' timestamps in RTP, whatever is coded (RFC 7587, section 4.1)."""


class VoiceTrack(MediaStreamTrack):
    """What a client hears of its session's responses; an `AudioPath`.

    Several at a time are mixed, as a client would that was sent them in events.

    Args:
        clock: tells when a packet is due.
    """

    kind = "audio"
    in_events = False

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self._clock = clock or WallClock()
        self._encode = Encoder(PACKET_MS)
        self._sounds: list[TrackSound] = []
        self._packets, self._due = 0, 0.0

    def open(self, response: Response) -> TrackSound:
        """See `AudioPath`."""
        sound = TrackSound(response)
        self._sounds.append(sound)
        return sound

    async def recv(self) -> av.Packet:
        """The next packet, when it is due.

        Raises:
            MediaStreamError: The track is stopped.
        """
        now = self._clock.now()
        self._due = max(self._due + PACKET_MS / 1000, now - MAX_LATE)
        await asyncio.sleep(self._due - now)
        if self.readyState != "live":
            raise MediaStreamError
        packet = av.Packet(self._encode(self._mixed())[0])
        packet.time_base = Fraction(1, CLOCK_RATE)
        packet.pts = self._packets * CLOCK_RATE * PACKET_MS // 1000
        self._packets += 1
        return packet

    def _mixed(self) -> Pcm:
        pcm = np.zeros(self._encode.frame, np.float32)
        for sound in self._sounds:
            sound.add_to(pcm)
        self._sounds = [sound for sound in self._sounds if not sound.over]
        return pcm


class TrackSound:
    """The sound of one response that waits to be played; see `Sound`.

    Args:
        response: is told when it begins and ends.
    """

    def __init__(self, response: Response) -> None:
        self.over = False
        """Whether all of it was played, or dropped."""
        self._response = response
        self._waiting: deque[Pcm] = deque()
        self._length = 0
        self._begun = self._complete = False

    def play(self, pcm: Pcm) -> None:
        """See `Sound`."""
        if not self.over and len(pcm):
            self._waiting.append(pcm)
            self._length += len(pcm)

    def end(self) -> None:
        """See `Sound`."""
        self._complete = True

    def drop(self) -> bool:
        """See `Sound`."""
        dropped = not self.over and (self._begun or self._length > 0)
        self.over, self._length = True, 0
        self._waiting.clear()
        return dropped

    def add_to(self, pcm: Pcm) -> None:
        """Play as many samples as there are in [N] others; none if so many have not come yet."""
        if self._length >= len(pcm) or (self._complete and self._length):
            if not self._begun:
                self._begun = True
                self._response.buffer_event("started")
            self._add(pcm)
        if self._complete and not self._length and not self.over:
            self.over = True
            if self._begun:
                self._response.buffer_event("stopped")

    def _add(self, pcm: Pcm) -> None:
        at = 0
        while self._waiting and at < len(pcm):
            piece = self._waiting.popleft()
            taken = piece[: len(pcm) - at]
            pcm[at : at + len(taken)] += taken
            at += len(taken)
            if len(taken) < len(piece):
                self._waiting.appendleft(piece[len(taken) :])
        self._length -= at
