"""OpenAI's Realtime API as a face of `antiphon serve`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
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
    transcriber: str = setting(
        "whisper-base", "The recognizer of /v1/audio/transcriptions, loaded when it is needed."
    )


class RealtimeFace:
    """OpenAI's Realtime API over WebSocket and WebRTC, and its audio endpoints."""

    settings = RealtimeSettings

    def prepare(self, chosen: RealtimeSettings, options: Options) -> Build | None:
        """See `Face`."""
        return partial(build, transcriber=chosen.transcriber) if chosen.realtime else None


def build(gateway: Gateway, transcriber: str = RealtimeSettings.transcriber) -> Site:
    """The addresses of the API.

    Args:
        gateway: of the server.
        transcriber: the recognizer of recordings.
    """
    from starlette.routing import Route, WebSocketRoute

    from antiphon.transports.http.face import Site
    from antiphon.transports.realtime.rest.client_secrets import client_secrets
    from antiphon.transports.realtime.rest.models import models
    from antiphon.transports.realtime.rest.speech import speech
    from antiphon.transports.realtime.rest.transcriptions import transcriptions
    from antiphon.transports.realtime.webrtc.calls import PATH, Calls
    from antiphon.transports.realtime.websocket import RealtimeSocket

    every_model, one_model = models(gateway)
    calls = Calls(gateway)
    secrets, beta_sessions = client_secrets(gateway)
    routes = [
        WebSocketRoute("/v1/realtime", RealtimeSocket(gateway, calls.join).__call__),
        Route("/v1/realtime", calls.create(), methods=["POST"]),
        Route(PATH, calls.create(), methods=["POST"]),
        Route(f"{PATH}/{{call_id}}/hangup", calls.hang_up(), methods=["POST"]),
        Route("/v1/realtime/client_secrets", secrets, methods=["POST"]),
        Route("/v1/realtime/sessions", beta_sessions, methods=["POST"]),
        Route("/v1/audio/speech", speech(gateway), methods=["POST"]),
        Route("/v1/audio/transcriptions", transcriptions(gateway, transcriber), methods=["POST"]),
        Route("/v1/models", every_model),
        Route("/v1/models/{name:path}", one_model),
    ]
    return Site(routes, "OpenAI's API at {http}/v1, its Realtime API at {ws}/v1/realtime")


REALTIME = RealtimeFace()
