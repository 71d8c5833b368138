"""What the server says to one robot: each message with its topic, its quality and its expiry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from antiphon.tools import Call
from antiphon.transports.mqtt.wire import messages
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing, sound
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.messages import Metrics, State, Stop
from antiphon.transports.mqtt.wire.packets import Packet
from antiphon.transports.mqtt.wire.topics import Topics

EXPIRY_SECONDS = 2
"""Seconds in which a tool must be begun, and events and answers must have arrived."""
SLOW_EXPIRY_SECONDS = 60
"""The same for what is worth knowing later, too."""


class Downlink:
    """Messages to one robot.

    Args:
        robot: its id.
        send: takes what is to be sent.
        now: seconds on the server's clock.
    """

    def __init__(
        self, robot: str, send: Callable[[Outgoing], object], now: Callable[[], float]
    ) -> None:
        self._topics, self._send, self._now = Topics(robot), send, now
        self._state: State | None = None
        """What was said last of the agent's state; None: it is to be said again."""

    def sound(
        self, packet: Packet, format_: Format, framing: Literal["properties", "header"]
    ) -> None:
        """A packet of a reply, as it was agreed upon."""
        self._send(sound(self._topics("audio/out"), packet, format_, framing))

    def state(self, state: State) -> None:
        """What the agent does, if that has changed; when it is sent is filled in."""
        if state != self._state:
            self._state = state
            body = replace(state, sent=self._milliseconds()).body()
            self._send(Outgoing(self._topics("state"), body, 1, retain=True))

    def repeat_state(self) -> None:
        """Say the state again, though it may not have changed."""
        self._state = None

    def event(self, stream: int, fields: Mapping[str, Any]) -> None:
        """Something happened in the conversation."""
        body = messages.event(stream, self._milliseconds(), fields)
        self._send(Outgoing(self._topics("event"), body, 1, expiry=EXPIRY_SECONDS))

    def call(self, call: Call, stream: int) -> None:
        """Use a tool."""
        expires = 1000 * EXPIRY_SECONDS
        body = messages.Call(call.id, stream, call.arguments, self._milliseconds(), expires).body()
        self._send(
            Outgoing(
                self._topics.call(call.name),
                body,
                1,
                expiry=EXPIRY_SECONDS,
                response=self._topics.result(call.name),
                correlation=call.id.encode(),
            )
        )

    def stop(self, stop: Stop) -> None:
        """Stop sound and motion."""
        self._send(Outgoing(self._topics("stop"), stop.body(), 1, expiry=SLOW_EXPIRY_SECONDS))

    def metrics(self, metrics: Metrics) -> None:
        """How the stream did."""
        self._send(Outgoing(self._topics("metrics"), metrics.body(), expiry=SLOW_EXPIRY_SECONDS))

    def confirm(self, message: Incoming) -> None:
        """Answer a command that was taken, if its sender wants that at a topic of this robot."""
        if message.response and message.response.startswith(self._topics("response")):
            answer = Outgoing(message.response, b'{"ok":true}', 1, expiry=EXPIRY_SECONDS)
            self._send(replace(answer, correlation=message.correlation))

    def _milliseconds(self) -> int:
        return round(1000 * self._now())
