"""The robot's voice: plays what arrives in time, and knows how far the listener is.

The reply comes a few frames ahead of the clock, so the first packet is played at once and the
buffer still has something to give when a later one is held up. What is of an older generation, late
or doubled is dropped; after a loss it goes on with what comes next.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from antiphon.runtime.audio.devices import Duplex
from antiphon.runtime.frames import Frame, played
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.packets import Freshness, Packet

MAX_AGE = 1.0
"""Seconds after which a piece of a reply is not played any more."""
MAX_QUEUED_SECONDS = 2.0
"""Seconds of sound that may wait; more is no stream but an attack or a fault."""


class Player:
    """Plays one stream of a server.

    Args:
        duplex: the device.
        rate: samples a second of the voice.
    """

    def __init__(self, duplex: Duplex, rate: int) -> None:
        self._duplex, self._rate = duplex, rate
        self._frame = played(rate)
        self._pushed = 0
        """Samples handed to the device, silence included."""
        self.fresh = Freshness()
        """How late messages of this server are."""
        self.stream: int | None = None
        self.format: Format | None = None
        """Of the sound; None: nothing is agreed upon."""
        self.mute = False
        """Whether the speaker is gone, so that nothing that is played is heard."""
        self.dropped = 0
        """Packets that were not played."""
        self._silenced = -1
        """Generation up to which nothing is played, because the robot was stopped here."""
        self._runs: list[tuple[int, int]] = []
        """What was played of the stream, first and last sample: a new run after each loss."""
        self._start_stream(0)

    def _start_stream(self, generation: int) -> None:
        self.generation = generation
        self._next: int | None = None
        """Index of the next sample in the stream."""
        self._queue: deque[tuple[int, Frame]] = deque()
        self._waiting = 0
        self._coder = self.format.coder() if self.format is not None else None
        self._spans: deque[tuple[int, int, int]] = deque()
        """Where sound lies: first sample of the device, first of the stream, count."""

    @property
    def sounding(self) -> bool:
        """Whether something is played or will be."""
        return bool(self._queue or self._spans)

    def follow(self, stream: int, format_: Format) -> None:
        """Plays another stream from now on."""
        if stream != self.stream:
            self.format = format_
            self.clear(0)
            self.stream, self.fresh, self._runs = stream, Freshness(), []
            self._silenced = -1

    def clear(self, generation: int) -> None:
        """Drops everything older than `generation`."""
        self._locate(self._duplex.clear())
        self._start_stream(generation)

    def silence(self) -> None:
        """Plays nothing more of what the server has said so far."""
        self.clear(self.generation)
        self._silenced = self.generation

    def lose(self) -> None:
        """The speaker is gone, and with it what it had not played."""
        self._locate(self._duplex.heard)
        self._spans.clear()
        self.mute = True

    def take(self, packet: Packet, now: float) -> bool:
        """Takes a packet that arrives `now`, in seconds.

        Returns:
            Whether it is of a newer generation, so that the one before was cleared.

        Raises:
            MalformedError: It is of another stream, or no sound.
        """
        if packet.session != self.stream or self._coder is None:
            raise MalformedError("the sound is of another stream")
        samples = self._coder.samples(packet.body)
        late = self.fresh.late(packet.sent, now) > MAX_AGE
        late = late or packet.generation <= self._silenced
        newer = packet.generation > self.generation
        if newer and not late:
            self.clear(packet.generation)
        ahead = 0 if self._next is None else packet.start - self._next
        passed = ahead <= -samples
        full = self._waiting + samples > MAX_QUEUED_SECONDS * self._rate
        if late or packet.generation < self.generation or passed or full:
            self.dropped += 1
            return newer and not late
        begins = not self.sounding
        sound = self._coder.decode(packet.body)[max(0, -ahead) :]
        self._next = packet.start + samples
        start = self._next - len(sound)
        self._waiting += len(sound)
        self._queue += [
            (start + at, sound[at : at + self._frame]) for at in range(0, len(sound), self._frame)
        ]
        if begins:
            self.step()
        return newer

    def step(self) -> Frame:
        """Plays a frame, silence if there is nothing else; called once a microphone's frame.

        Returns:
            What was played.
        """
        out = np.zeros(self._frame, np.float32)
        if self._queue:
            start, sound = self._queue.popleft()
            self._waiting -= len(sound)
            out[: len(sound)] = sound
            if not self.mute:
                self._spans.append((self._pushed, start, len(sound)))
        self._duplex.play(out)
        self._pushed += len(out)
        return out

    @property
    def at(self) -> int:
        """Index in the stream of the first sample that was not heard yet."""
        self._locate(self._duplex.heard)
        return self._runs[-1][1] if self._runs else 0

    def heard(self) -> list[tuple[int, int]]:
        """What the listener heard since the last call: from which index up to which other one.

        Where something was lost, a new pair begins; the last one is told again until then.
        """
        self._locate(self._duplex.heard)
        told, self._runs = self._runs, self._runs[-1:]
        return told or [(0, 0)]

    def _locate(self, device: int) -> None:
        while self._spans and self._spans[0][0] < device:
            first, start, count = self._spans[0]
            end = start + min(count, device - first)
            begin, before = self._runs[-1] if self._runs else (start, start)
            if start <= before <= end:
                self._runs[-1:] = [(begin, end)]
            else:
                self._runs.append((start, end))
            if device < first + count:
                return
            self._spans.popleft()
