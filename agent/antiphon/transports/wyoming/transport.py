"""Wyoming as a transport of `antiphon serve`."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from antiphon.errors import UserError
from antiphon.settings import setting
from antiphon.transports.listening import bound

if TYPE_CHECKING:
    from antiphon.runtime.options import Options
    from antiphon.transports.transport import Host, Serve


@dataclass(frozen=True)
class WyomingSettings:
    """Where Home Assistant finds the agent."""

    TABLE: ClassVar[str] = "wyoming"

    wyoming: bool = setting(
        False, "Be Home Assistant's speech to text, voice and conversation.", flags=("--wyoming",)
    )
    wyoming_uri: str = setting(
        "tcp://127.0.0.1:10300",
        "Where: tcp://HOST:PORT. Wyoming knows no passwords, so other machines are served only if "
        "another host is given: 0.0.0.0 for all of them.",
        metavar="URI",
    )

    def address(self) -> tuple[str, int]:
        """Host and port.

        Raises:
            UserError: It is no such address.
        """
        try:
            parts = urlsplit(self.wyoming_uri)
            if parts.scheme == "tcp" and parts.hostname and parts.port is not None:
                return parts.hostname, parts.port
        except ValueError:
            pass
        raise UserError(f"{self.wyoming_uri!r} is no address: give tcp://HOST:PORT.")

    def bind(self) -> socket.socket:
        """A socket at the address; nobody can connect before it is listened at.

        Raises:
            UserError: The port is in use, or the address is not of this machine.
        """
        return bound(*self.address(), by_host="--wyoming-uri", by_port="--wyoming-uri")


class WyomingTransport:
    """Home Assistant over Wyoming."""

    settings = WyomingSettings

    def prepare(self, chosen: WyomingSettings, options: Options) -> Serve | None:
        """Check the address; see `Transport`."""
        if not chosen.wyoming:
            return None
        host, _ = chosen.address()
        bound = chosen.bind()
        port = bound.getsockname()[1]
        local = bound.getsockname()[0] in ("127.0.0.1", "::1")

        async def serve(to: Host) -> None:
            from antiphon.transports.wyoming.announcement import announced
            from antiphon.transports.wyoming.server import Server
            from antiphon.transports.wyoming.service import Service

            async with contextlib.AsyncExitStack() as stack:
                bound.listen()
                to.say(f"Wyoming at tcp://{host}:{port}")
                if not local:
                    to.say("Whoever reaches this port may use it: Wyoming knows no passwords.")
                    if await stack.enter_async_context(announced(host, port)):
                        to.say("Home Assistant is told of it.")
                await Server(Service(to, options), bound).run()

        return serve


WYOMING = WyomingTransport()
