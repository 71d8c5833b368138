"""OpenAI's Realtime API as a face of `antiphon serve`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from antiphon.settings import setting

if TYPE_CHECKING:
    from antiphon.runtime.options import Options
    from antiphon.transports.http.face import Build, Site
    from antiphon.transports.http.gateway import Gateway


@dataclass(frozen=True)
class RealtimeSettings:
    """Whether OpenAI's API is spoken."""

    TABLE: ClassVar[str] = "realtime"

    realtime: bool = setting(
        False, "Speak OpenAI's Realtime API and the audio API beside it.", flags=("--realtime",)
    )


class RealtimeFace:
    """OpenAI's Realtime API over WebSocket, and its audio endpoints."""

    settings = RealtimeSettings

    def prepare(self, chosen: RealtimeSettings, options: Options) -> Build | None:
        """See `Face`."""
        return build if chosen.realtime else None


def build(gateway: Gateway) -> Site:
    """The addresses of the API."""
    from starlette.routing import WebSocketRoute

    from antiphon.transports.http.face import Site
    from antiphon.transports.realtime.websocket import RealtimeSocket

    routes = [WebSocketRoute("/v1/realtime", RealtimeSocket(gateway).__call__)]
    return Site(routes, "OpenAI Realtime at {ws}/v1/realtime")


REALTIME = RealtimeFace()
