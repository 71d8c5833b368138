"""HTTP as a transport of `antiphon serve`: it serves whichever faces are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from antiphon.transports.http.face import FACES
from antiphon.transports.http.settings import HttpSettings

if TYPE_CHECKING:
    from antiphon.runtime.options import Options
    from antiphon.transports.transport import Host, Serve


class HttpTransport:
    """Everything over HTTP and WebSocket."""

    settings = HttpSettings

    @property
    def parts(self) -> Mapping[str, type[Any]]:
        """The settings of every face, by its name."""
        return {name: FACES.get(name).settings for name in FACES.names()}

    def prepare(self, chosen: HttpSettings, options: Options) -> Serve | None:
        """Check address, token, certificate and faces; see `Transport`."""
        built = [FACES.get(name).prepare(of, options) for name, of in chosen.parts.items()]
        builds = [each for each in built if each is not None]
        if not builds:
            return None
        chosen.token()
        tls = chosen.tls()
        bound = chosen.bind()

        async def serve(host: Host) -> None:
            from antiphon.transports.http.server import Server

            await Server(builds, chosen, options, bound, tls).run(host)

        return serve


HTTP = HttpTransport()
