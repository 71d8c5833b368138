"""The microphone of a robot, as it arrives: in order, in time, and never twice.

What has an index below the next one is late, doubled or out of order; there is no other rule. What
is missing becomes silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.frames import FRAME, RATE
from antiphon.transports.mqtt.server.rate_limit import RateLimit
from antiphon.transports.mqtt.wire.formats.format import Format, Samples
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.packets import Freshness, Packet

MAX_AGE = 0.6
"""Seconds after which sound from the microphone is of no use any more."""
MAX_WAIT = 0.12
"""Seconds without a packet after which silence takes its place."""
MAX_GAP = 10 * FRAME
"""Samples that are replaced by silence if only they are missing; more are a new beginning."""

Frames = NDArray[np.float32]
"""[N, 320] at 16 kHz."""


class JitterBuffer:
    """Makes frames of packets.

    Args:
        session: of the robot; the packets of another one are refused.
        format_: of the sound, at 16 kHz.
    """

    def __init__(self, session: int, format_: Format) -> None:
        self.session, self.format = session, format_
        self._coder = format_.coder()
        self.received = 0
        """Packets so far."""
        self.late = 0
        """Of these, dropped."""
        self.filled = 0
        """Samples of silence put in."""
        self.arrived = float("-inf")
        """When the last packet came that was of use, in seconds."""
        self._freshness = Freshness()
        self._rate_limit = RateLimit(1.5 * RATE, 2.5 * RATE)
        self._next: int | None = None
        """Index of the next sample."""
        self._rest = np.zeros(0, np.float32)

    def take(self, packet: Packet, now: float) -> Frames:
        """Takes a packet that arrives `now`, in seconds, and gives the frames that are complete.

        Raises:
            MalformedError: It is of another session, or no sound.
        """
        if packet.session != self.session:
            raise MalformedError("the sound is of another session")
        samples = self._coder.samples(packet.body)
        self.received += 1
        ahead = None if self._next is None else packet.start - self._next
        fresh = self._freshness.late(packet.sent, now) <= MAX_AGE
        passed = ahead is not None and ahead <= -samples
        if not fresh or passed or not self._rate_limit.spend(samples, now):
            self.late += 1
            return np.zeros((0, FRAME), np.float32)
        pcm = self._coder.decode(packet.body)
        if ahead is None or ahead > MAX_GAP:
            self._rest = self._rest[:0]
        elif ahead > 0:
            self.filled += ahead
            pcm = np.concatenate([np.zeros(ahead, np.float32), pcm])
        else:
            pcm = pcm[-ahead:]
        self._next, self.arrived = packet.start + samples, now
        return self._frames(pcm)

    def overdue(self, now: float) -> bool:
        """Whether silence has to take the place of a frame that does not come."""
        return now - self.arrived > MAX_WAIT

    def fill(self) -> Frames:
        """A frame of silence."""
        if self._next is not None:
            self._next += FRAME
        self.filled += FRAME
        return self._frames(np.zeros(FRAME, np.float32))

    def _frames(self, pcm: Samples) -> Frames:
        if len(self._rest):
            pcm = np.concatenate([self._rest, pcm])
        whole = len(pcm) // FRAME * FRAME
        self._rest = pcm[whole:]
        return pcm[:whole].reshape(-1, FRAME)
