"""The HTTP server: all faces at one address, with `/health` and `/metrics`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import antiphon
from antiphon.runtime.options import Options
from antiphon.transports.http.face import Build, Site
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.http.guard import Guard
from antiphon.transports.http.metrics import Metrics
from antiphon.transports.http.sessions import Sessions
from antiphon.transports.http.settings import HttpSettings
from antiphon.transports.http.tokens import Tokens
from antiphon.transports.transport import Host

MAX_MESSAGE = 16 * 2**20
"""Bytes of the longest message of a WebSocket: 15 MiB of sound and what is around it."""
MAX_UNREAD = 4
"""Messages of a client that are read ahead."""
PING_SECONDS, PONG_SECONDS = 20.0, 60.0
"""Seconds between two questions whether a client is still there, and for its answer, which may
stand behind much sound."""


class Server:
    """Serves faces until it is cancelled; then replies are finished.

    Args:
        builds: of the faces.
        chosen: address, token and limits.
        options: of the conversations.
        at: a bound socket.
        tls: the certificate, if connections are encrypted.
    """

    def __init__(
        self,
        builds: Sequence[Build],
        chosen: HttpSettings,
        options: Options,
        at: socket.socket,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._builds, self._chosen, self._options = builds, chosen, options
        self._socket, self._tls = at, tls
        self.port: int = at.getsockname()[1]
        self.gateway: Gateway | None = None
        self._sites: Sequence[Site] = ()

    async def run(self, host: Host) -> None:
        """Serve."""
        chosen, metrics = self._chosen, Metrics()
        sessions = Sessions(chosen.max_sessions, chosen.idle, metrics)
        tokens = Tokens(chosen.token())
        self.gateway = gateway = Gateway(host, self._options, sessions, tokens, metrics)
        config = uvicorn.Config(
            self._app(gateway),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws_max_size=MAX_MESSAGE,
            ws_max_queue=MAX_UNREAD,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PONG_SECONDS,
            ws_per_message_deflate=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        config.load()
        config.ssl = self._tls
        server = Uvicorn(config, self._ready)
        work = [asyncio.create_task(each) for each in (gateway.ticker.run(), sessions.watch())]
        serving = asyncio.create_task(server.serve([self._socket]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            await sessions.close()
            server.should_exit = True
            await asyncio.wait([serving])
            raise
        finally:
            for task in work:
                task.cancel()
            self._socket.close()

    @property
    def places(self) -> Mapping[str, str]:
        """Beginnings of addresses, by "http" and "ws"."""
        port = f"{self._chosen.host}:{self.port}"
        return {name: f"{name}{'s' if self._tls else ''}://{port}" for name in ("http", "ws")}

    def _ready(self) -> None:
        for site in self._sites:
            if site.ready is not None:
                site.ready(self.places)

    def _app(self, gateway: Gateway) -> Starlette:
        """All faces as one application."""
        sites = [build(gateway) for build in self._builds]
        self._sites = sites
        served = {getattr(route, "path", "") for site in sites for route in site.routes}
        for site in sites:
            gateway.host.say(site.about.format(**self.places))
            for path in site.needs.keys() - served:
                gateway.host.say(site.needs[path])
        if not gateway.tokens.needed:
            gateway.host.say("Only this machine is served: give --token-file to serve others.")
        elif self._tls is None and not self._chosen.loopback:
            gateway.host.say("Nothing is encrypted: give --tls-cert and --tls-key.")

        async def health(request: Request) -> Response:
            body = {
                "status": "ok",
                "version": antiphon.__version__,
                "sessions": len(gateway.sessions),
            }
            return JSONResponse(body)

        async def metrics(request: Request) -> Response:
            return Response(gateway.metrics.text(), media_type="text/plain; version=0.0.4")

        public = {"/health"}.union(*(site.public for site in sites))
        origins = self._chosen.origins
        return Starlette(
            routes=[
                *(route for site in sites for route in site.routes),
                Route("/health", health),
                Route("/metrics", metrics),
            ],
            middleware=[
                Middleware(
                    CORSMiddleware,
                    allow_origins=list(origins),
                    allow_methods=["*"],
                    allow_headers=["*"],
                    expose_headers=["location"],
                ),
                Middleware(Guard, gateway.tokens, origins, public),
            ],
        )


class Uvicorn(uvicorn.Server):
    """Leaves signals to `lifecycle.py`, and tells when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Captures none."""
        yield
