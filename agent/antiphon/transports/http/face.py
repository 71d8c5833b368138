"""Faces: protocols of clients over HTTP and WebSocket, found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from antiphon.registry import Registry

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from antiphon.runtime.options import Options
    from antiphon.transports.http.gateway import Gateway


@dataclass(frozen=True)
class Site:
    """What a face adds to the server."""

    routes: Sequence[BaseRoute]
    """Its addresses."""
    about: str
    """Told at the terminal: "OpenAI Realtime at {ws}/v1/realtime"; {ws} and {http} are filled."""
    public: frozenset[str] = frozenset()
    """Paths that need no token, nor does what is below them: what a browser or a device fetches
    before it has one. "/" is the index alone. Origins are checked there, too."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Paths of others that its clients use, and what is told at the terminal if nobody has them."""
    ready: Callable[[Mapping[str, str]], None] | None = None
    """Called once the server listens, with its addresses by the names that `about` knows."""


Build = Callable[["Gateway"], Site]
"""Builds a face's addresses once the models are loaded; called in the server's event loop."""


class Face(Protocol):
    """A way to talk with the agent over HTTP. Its module holds an object of this kind.

    A face translates. Whose turn it is, is decided by the conversation; what is sent and when, by
    the driver of `runtime/network`; who may connect, by the gateway.
    """

    @property
    def settings(self) -> type[Any]:
        """Its section of settings, with the flag that asks for it."""

    def prepare(self, chosen: Any, options: Options) -> Build | None:
        """Check the settings before any model is loaded.

        Args:
            chosen: the section.
            options: of the conversations.

        Returns:
            What builds the face; None if the settings do not ask for it.

        Raises:
            UserError: The settings make no sense.
        """


FACES: Registry[Face] = Registry(
    "face",
    "antiphon.http_faces",
    {
        "realtime": "antiphon.transports.realtime.face:REALTIME",
        "web": "antiphon.transports.web.face:WEB",
        "xiaozhi": "antiphon.transports.xiaozhi.face:XIAOZHI",
    },
)
"""Faces by name."""
