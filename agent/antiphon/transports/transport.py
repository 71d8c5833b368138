"""Transports: the same conversation elsewhere, found by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from antiphon.registry import Registry
from antiphon.runtime.options import Options
from antiphon.runtime.responders.responder import Responder
from antiphon.runtime.session.conversation import Conversation
from antiphon.tools import Call, Tool


class Peer(Protocol):
    """The other end of a conversation over a transport."""

    @property
    def robot(self) -> str:
        """Its name."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """What it can do."""

    def execute(self, call: Call) -> Future[Any]:
        """Begin a call of one of its tools."""


@dataclass(frozen=True)
class Host:
    """What a transport is given to serve with."""

    converse: Callable[[Any], Conversation]
    """Makes the conversation of a `Peer`."""
    say: Callable[[str], None]
    """Tells the person at the terminal."""
    responder: Responder[Any]
    """Hears, answers and speaks outside any conversation."""


Serve = Callable[[Host], Awaitable[None]]
"""Serves until it is cancelled."""


class Transport(Protocol):
    """A way to reach the agent. Its module holds an object of this kind."""

    @property
    def settings(self) -> type[Any]:
        """Its section of settings; `antiphon serve` takes each of them as an option."""

    def prepare(self, chosen: Any, options: Options) -> Serve | None:
        """Check the settings before any model is loaded.

        Args:
            chosen: the section.
            options: of the conversations.

        Returns:
            What serves; None if the settings do not ask for this transport.

        Raises:
            UserError: The settings make no sense.
        """


TRANSPORTS: Registry[Transport] = Registry(
    "transport",
    "antiphon.transports",
    {"mqtt": "antiphon.transports.mqtt.transport:MQTT"},
)
"""Transports by name."""
