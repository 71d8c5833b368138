"""XiaoZhi as a face of `antiphon serve`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from antiphon.settings import setting

if TYPE_CHECKING:
    from antiphon.runtime.options import Options
    from antiphon.transports.http.face import Build, Site
    from antiphon.transports.http.gateway import Gateway


@dataclass(frozen=True)
class XiaozhiSettings:
    """Whether XiaoZhi devices are served."""

    TABLE: ClassVar[str] = "xiaozhi"

    xiaozhi: bool = setting(False, "Serve XiaoZhi's voice robots.", flags=("--xiaozhi",))


class XiaozhiFace:
    """Voice robots on ESP32, and what else speaks their protocol."""

    settings = XiaozhiSettings

    def prepare(self, chosen: XiaozhiSettings, options: Options) -> Build | None:
        """See `Face`."""
        return build if chosen.xiaozhi else None


def build(gateway: Gateway) -> Site:
    """The address a device asks, and the one it talks at."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocket

    from antiphon.transports.http.face import Site
    from antiphon.transports.http.sessions import FullError
    from antiphon.transports.xiaozhi.connection import Connection
    from antiphon.transports.xiaozhi.provisioning import OTA, TALK, answer

    async def ask(request: Request) -> Response:
        return await answer(request, gateway.tokens)

    async def talk(socket: WebSocket) -> None:
        try:
            with gateway.admit("xiaozhi") as session:
                await socket.accept()
                await Connection(socket, gateway, session).run()
        except FullError as error:
            again = {"retry-after": str(error.retry_after)}
            await socket.send_denial_response(JSONResponse({"error": str(error)}, 503, again))

    paths = [OTA, f"{OTA}/", f"{OTA}/{{token}}", f"{OTA}/{{token}}/"]
    asked = [Route(path, ask, methods=["GET", "POST"]) for path in paths]
    talked = [WebSocketRoute(path, talk) for path in (TALK, f"{TALK}/")]
    end = "TOKEN/" if gateway.tokens.needed else ""
    return Site([*asked, *talked], f"XiaoZhi devices ask {{http}}{OTA}/{end}", frozenset({OTA}))


XIAOZHI = XiaozhiFace()
