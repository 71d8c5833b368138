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

MAX_UNHEARD_SECONDS = 1.5
"""Seconds of unconfirmed sound, and of waiting for a report, after which the robot is lost."""


class VoiceSender:
    """Counts what a conversation says to a robot.

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
        self._made = self._sent = self._heard = 0
        """Samples of the output: made, sent up to, heard up to."""
        self._waiting: list[Frame] = []
        self._start = 0
        """Index of the first sample that waits to be sent."""
        self._asked_at: float | None = None
        """Since when the robot is asked what it heard of the sound it drops."""
        self._reported = float("-inf")
        """When the robot last said what was heard."""

    def add(self, out: Frame) -> bool:
        """Takes what a step gave; silence is not sent, the robot has its own.

        Returns:
            Whether it is sound.
        """
        start, self._made = self._made, self._made + len(out)
        sounds = bool(out.any())
        unfinished = self._tail > 0 or len(self._waiting) % self.format.block
        if self._asked_at is not None or not (sounds or unfinished):
            return False
        self._tail = self.format.tail if sounds else max(0, self._tail - 1)
        if not self._waiting:
            self._start = start
        # Silence between two sounds of one packet is part of the sound.
        between = (start - self._start) // self._frame - len(self._waiting)
        self._waiting += [np.zeros_like(out)] * between + [out]
        return sounds

    def take(self, sent: int) -> Iterator[Packet]:
        """What is to be sent now, at `sent` milliseconds."""
        if self._coded != self.generation:
            self._coder, self._coded = self.format.coder(), self.generation
        while count := min(MAX_FRAMES, len(self._waiting)) // self.format.block * self.format.block:
            body = self._coder.encode(np.concatenate(self._waiting[:count]))
            del self._waiting[:count]
            yield Packet(self.stream, self.generation, sent, self._start, body)
            self._start += count * self._frame
            self._sent = self._start
            self.packets += 1

    def settle(self) -> None:
        """Tells the conversation what was heard; silence that was not sent is heard at once.

        So is the end of a reply that got lost, once the conversation does not wait for it.
        """
        over = self._heard >= self._sent or self.conversation.state != "speaking"
        if self._asked_at is None and over:
            self._heard = self._sent = self._made
        self.conversation.heard(self._heard)

    def heard(self, heard: Heard, now: float) -> None:
        """The robot says how far its listener is.

        Raises:
            MalformedError: That cannot be.
        """
        if heard.stream != self.stream or heard.generation > self.generation:
            raise MalformedError("that is another stream")
        if heard.samples > self._sent:
            raise MalformedError("nobody can have heard what was not sent")
        self._reported = now
        self._heard = max(self._heard, heard.samples)
        if self._asked_at is not None and heard.generation == self.generation:
            self.drop()
        elif self._asked_at is None:
            self.settle()

    def ask(self, now: float) -> None:
        """The robot has to drop what it has not played, and to say what was heard."""
        self._clear()
        self.generation += 1
        self._asked_at = now

    def drop(self) -> None:
        """What was sent and not heard will never be heard."""
        self._clear()
        self._asked_at = None
        self.conversation.dropped(self._heard)
        self._made = self._sent = self._heard

    def _clear(self) -> None:
        self._waiting.clear()
        self._tail = 0

    def unheard_too_long(self, now: float) -> bool:
        """Whether much was sent and no report of it came."""
        if self._asked_at is not None and now - self._asked_at > MAX_UNHEARD_SECONDS:
            self.drop()  # the robot does not say how far it came
        return (
            self._sent - self._heard > MAX_UNHEARD_SECONDS * self.rate
            and now - self._reported > MAX_UNHEARD_SECONDS
        )
