"""The voice on its way to a robot, and what is known of how far it was heard.

A reply is sent as it is made, a few frames ahead, so that the robot's buffer is filled without
anybody waiting. What has to be dropped gets a new generation, and the robot says how far its
listener came.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from antiphon.runtime.frames import Frame, played
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.messages import Heard
from antiphon.transports.mqtt.wire.packets import MAX_FRAMES, Packet

if TYPE_CHECKING:
    from antiphon.runtime.session.conversation import Conversation

MAX_UNREPORTED_SECONDS = 1.5
"""Seconds without a report of sound that was sent after which the robot is lost."""


class VoiceSender:
    """Sends what a conversation says to a robot, and tells it what was heard.

    Positions are the conversation's, which never go back; on the wire they count from the stream's
    beginning.

    Args:
        stream: names this stream.
        format_: of the sound.
        conversation: is told what was heard.
    """

    def __init__(self, stream: int, format_: Format, conversation: Conversation) -> None:
        self.stream, self.format, self.conversation = stream, format_, conversation
        self.rate = format_.rate
        self.generation = 1
        """What is older is never played."""
        self._coder, self._coded = format_.coder(), 1
        """Writes sound, of one generation."""
        self._tail = 0
        """Frames of silence that still belong to the sound before them."""
        self.packets = 0
        """Packets so far."""
        self._frame = played(self.rate)
        self._begin = self._sent = self._heard = conversation.position
        """Positions: where the stream begins, up to where it was sent, and up to where it was heard
        or lost."""
        self._waiting: list[Frame] = []
        self._start = 0
        """Position of the first sample that waits to be sent."""
        self._asked = False
        """Whether the robot was asked what it heard of the sound it drops."""
        self._waits_since = 0.0
        """Since when a report is waited for, if one is."""
        conversation.heard(self._begin, self._begin)

    def add(self, out: Frame) -> bool:
        """Takes what a step gave; silence is not sent, the robot has its own.

        Returns:
            Whether it is sound.
        """
        start = self.conversation.position - len(out)
        sounds = bool(out.any())
        unfinished = self._tail > 0 or len(self._waiting) % self.format.block
        if self._asked or not (sounds or unfinished):
            return False
        self._tail = self.format.tail if sounds else max(0, self._tail - 1)
        if not self._waiting:
            self._start = start
        # Silence between two sounds of one packet is part of the sound.
        between = (start - self._start) // self._frame - len(self._waiting)
        self._waiting += [np.zeros_like(out)] * between + [out]
        return sounds

    def take(self, now: float) -> Iterator[Packet]:
        """What is to be sent `now`, in seconds."""
        if self._coded != self.generation:
            self._coder, self._coded = self.format.coder(), self.generation
        while count := min(MAX_FRAMES, len(self._waiting)) // self.format.block * self.format.block:
            if self._heard >= self._sent:
                self._waits_since = now
            body = self._coder.encode(np.concatenate(self._waiting[:count]))
            del self._waiting[:count]
            start, sent = self._start - self._begin, round(1000 * now)
            self._sent = self._start = self._start + count * self._frame
            self.packets += 1
            yield Packet(self.stream, self.generation, sent, start, body)

    def settle(self) -> None:
        """Tells the conversation that silence, which is not sent, passes as soon as it is made.

        So does the end of a reply that got lost, once the conversation does not wait for it.
        """
        heard = self._heard >= self._sent
        if not self._asked and (heard or self.conversation.state != "speaking"):
            end = self._start if self._waiting else self.conversation.position
            self.conversation.heard(end, self._sent if heard else end)
            self._sent = self._heard = end

    def heard(self, heard: Heard, now: float) -> None:
        """The robot says how far its listener is.

        Raises:
            MalformedError: That cannot be.
        """
        if heard.stream != self.stream or heard.generation > self.generation:
            raise MalformedError("that is another stream")
        end = self._begin + heard.samples
        if end > self._sent:
            raise MalformedError("nobody can have heard what was not sent")
        start = None if heard.start is None else self._begin + heard.start
        self.conversation.heard(end, start)
        self._heard, self._waits_since = max(self._heard, end), now
        if not self._asked:
            self.settle()
        elif heard.generation == self.generation:
            self.drop()

    def ask(self, now: float) -> None:
        """The robot has to drop what it has not played, and to say what was heard."""
        self._clear()
        self.generation += 1
        self._asked, self._waits_since = True, now

    def drop(self) -> None:
        """What was sent and not heard will never be heard."""
        self._clear()
        self._asked = False
        self.conversation.dropped()
        self._sent = self._heard = self.conversation.position

    def _clear(self) -> None:
        self._waiting.clear()
        self._tail = 0

    def lost(self, now: float) -> bool:
        """Whether the robot says nothing of sound that was sent to it."""
        if now - self._waits_since <= MAX_UNREPORTED_SECONDS:
            return False
        if self._asked:
            self.drop()  # it does not say how far it came
            return False
        return self._heard < self._sent
