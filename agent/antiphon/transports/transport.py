"""Transports: the same conversation elsewhere, found by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from antiphon.registry import Registry
from antiphon.runtime.options import Options
from antiphon.runtime.responders.model_choices import ModelChoices
from antiphon.runtime.responders.responder import Responder
from antiphon.runtime.session.conversation import Conversation
from antiphon.settings import Models
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
    models: Models = field(default_factory=Models)
    """What the models are called."""
    choices: ModelChoices | None = None
    """What clients may choose beside them; None: nothing."""


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


@runtime_checkable
class CompositeTransport(Transport, Protocol):
    """A transport of several parts, each with a section of its own.

    Its own section has a field `parts` for theirs, by name.
    """

    @property
    def parts(self) -> Mapping[str, type[Any]]:
        """The sections of its parts; `antiphon serve` takes each of them as an option, too."""


def sections() -> dict[str, type[Any]]:
    """The sections of all transports and their parts by name."""
    found: dict[str, type[Any]] = {}
    for name in TRANSPORTS.names():
        transport = TRANSPORTS.get(name)
        found[name] = transport.settings
        if isinstance(transport, CompositeTransport):
            found.update(transport.parts)
    return found


def prepare(chosen: Mapping[str, Any], options: Options) -> list[Serve]:
    """What serves with the chosen settings.

    Args:
        chosen: a section for every name in `sections`.
        options: of the conversations.

    Raises:
        UserError: They make no sense.
    """
    prepared = []
    for name in TRANSPORTS.names():
        transport, own = TRANSPORTS.get(name), chosen[name]
        if isinstance(transport, CompositeTransport):
            own = replace(own, parts={part: chosen[part] for part in transport.parts})
        prepared.append(transport.prepare(own, options))
    return [each for each in prepared if each is not None]


TRANSPORTS: Registry[Transport] = Registry(
    "transport",
    "antiphon.transports",
    {
        "mqtt": "antiphon.transports.mqtt.transport:MQTT",
        "http": "antiphon.transports.http.transport:HTTP",
        "wyoming": "antiphon.transports.wyoming.transport:WYOMING",
    },
)
"""Transports by name."""
