"""The voice on its way to a robot, and what is known of how far it was heard.

A reply is sent as it is made, a few frames ahead, so that the robot's buffer is filled without
anybody waiting. What has to be dropped gets a new generation, and the robot says how far its
listener came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from antiphon.runtime.frames import Frame, played
from antiphon.transports.mqtt.errors import MalformedError
from antiphon.transports.mqtt.messages import Heard
from antiphon.transports.mqtt.packets import Packet, to_pcm16

if TYPE_CHECKING:
    from antiphon.runtime.conversation import Conversation

UNHEARD = 1.5
"""Seconds: of sound on its way, and of waiting for word of it. With more, nobody is listening."""


class Outlet:
    """Counts what a conversation says to a robot.

    Args:
        stream: names this stream.
        conversation: is told what was heard.
    """

    def __init__(self, stream: int, conversation: Conversation) -> None:
        self.stream, self.conversation = stream, conversation
        self.rate = conversation.options.sample_rate
        self.generation = 1
        """What is older is never played."""
        self.packets = 0
        """Packets so far."""
        self._frame = played(self.rate)
        self._made = self._sent = self._heard = 0
        """Samples of the output: made, sent up to, heard up to."""
        self._waiting: list[Frame] = []
        self._start = 0
        """Index of the first sample that waits to be sent."""
        self._asked: float | None = None
        """Since when the robot is asked what it heard of the sound it drops."""
        self._told = float("-inf")
        """When the robot last said what was heard."""

    def add(self, out: Frame) -> bool:
        """Takes what a step gave; silence is not sent, the robot has its own.

        Returns:
            Whether it is to be sent.
        """
        start, self._made = self._made, self._made + len(out)
        if self._asked is not None or not out.any():
            return False
        if not self._waiting:
            self._start = start
        # Silence between two sounds of one packet is part of the sound.
        between = (start - self._start) // self._frame - len(self._waiting)
        self._waiting += [np.zeros_like(out)] * between + [out]
        return True

    def packet(self, sent: int) -> Packet | None:
        """What is to be sent now, at `sent` milliseconds."""
        if not self._waiting:
            return None
        pcm = to_pcm16(np.concatenate(self._waiting))
        self._waiting.clear()
        packet = Packet(self.stream, self.generation, sent, self._start, self.rate, pcm)
        self._sent = packet.end
        self.packets += 1
        return packet

    def settle(self) -> None:
        """Tells the conversation what was heard; silence that was not sent is heard at once.

        So is the end of a reply that got lost, once the conversation does not wait for it.
        """
        over = self._heard >= self._sent or self.conversation.state != "speaking"
        if self._asked is None and over:
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
        self._told = now
        self._heard = max(self._heard, heard.samples)
        if self._asked is not None and heard.generation == self.generation:
            self.drop()
        elif self._asked is None:
            self.settle()

    def ask(self, now: float) -> None:
        """The robot has to drop what it has not played, and to say what was heard."""
        self._waiting.clear()
        self.generation += 1
        self._asked = now

    def drop(self) -> None:
        """What was sent and not heard will never be heard."""
        self._waiting.clear()
        self._asked = None
        self.conversation.dropped(self._heard)
        self._made = self._sent = self._heard

    def deserted(self, now: float) -> bool:
        """Whether nobody listens: much was sent, and nothing is heard of it."""
        if self._asked is not None and now - self._asked > UNHEARD:
            self.drop()  # the robot does not say how far it came
        return self._sent - self._heard > UNHEARD * self.rate and now - self._told > UNHEARD
