"""`POST /v1/realtime/calls`: an offer is answered, and a call begins."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import ExitStack
from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from antiphon.transports.http.gateway import Gateway
from antiphon.transports.realtime.connection import config_of, wants_beta
from antiphon.transports.realtime.protocol.config import SessionConfig, updated
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.validation import parse
from antiphon.transports.realtime.rest.endpoint import Handler, endpoint, refusal, text_of
from antiphon.transports.realtime.webrtc.sideband import serve

if TYPE_CHECKING:
    from antiphon.transports.realtime.webrtc.call import Call

PATH = "/v1/realtime/calls"
MAX_FORM, MAX_PART = 2**21, 2**20
"""Bytes of a form, and of one part of it."""
MAX_SIDEBANDS = 4
"""Clients that take part in a call over WebSockets."""
MISSING = (
    "WebRTC needs another package: pip install 'antiphon[webrtc]' on the server, and start it "
    "again. The Realtime API over a WebSocket, /v1/realtime, works without it."
)


class Calls:
    """The calls of a server.

    Args:
        gateway: of the server.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._calls: dict[str, tuple[Call, asyncio.Task[None]]] = {}

    def create(self) -> Handler:
        """The endpoint that begins one; answered with SDP, and its address in `Location`."""

        @endpoint
        async def handle(request: Request) -> Response:
            try:
                module = "antiphon.transports.realtime.webrtc.call"
                made_by = (await asyncio.to_thread(importlib.import_module, module)).Call
            except ImportError:
                return refusal(MISSING, "webrtc_not_installed", None, status=501)
            config = config_of(self._gateway, request)
            offer, config = await offered(request, config)
            beta = wants_beta(request) or request.url.path == "/v1/realtime"
            with ExitStack() as admitted:
                place = admitted.enter_context(self._gateway.admit("realtime"))
                call: Call = made_by(self._gateway, place, config, beta=beta)
                try:
                    answer = await call.answer(offer, served_at(request))
                except BaseException:
                    await call.close()
                    raise
                task = asyncio.create_task(call.run(admitted.pop_all()))
            self._calls[call.id] = call, task
            task.add_done_callback(lambda _: self._calls.pop(call.id, None))
            where = {"location": f"{PATH}/{call.id}"}
            return Response(answer, 201, where, media_type="application/sdp")

        return handle

    def hang_up(self) -> Handler:
        """The endpoint that ends one."""

        @endpoint
        async def handle(request: Request) -> Response:
            name = request.path_params["call_id"]
            if name not in self._calls:
                message = f"There is no call {name[:80]!r}."
                return refusal(message, "call_not_found", "call_id", status=404)
            call, task = self._calls[name]
            call.hang_up()
            await asyncio.wait([task])
            return Response(status_code=200)

        return handle

    async def join(self, socket: WebSocket, name: str) -> None:
        """Serve a client that takes part in a call over a WebSocket (OpenAI's sideband).

        Args:
            socket: of the client.
            name: of the call.
        """
        if name not in self._calls:
            message = f"There is no call {name[:80]!r}."
            denial = refusal(message, "call_not_found", "call_id", status=404)
            await socket.send_denial_response(denial)
            return
        call, task = self._calls[name]
        if call.connection.followers >= MAX_SIDEBANDS:
            message = f"{MAX_SIDEBANDS} clients take part in this call already."
            denial = refusal(message, "session_limit_reached", "call_id", status=503)
            await socket.send_denial_response(denial)
            return
        await serve(socket, call.connection, task)


async def offered(request: Request, config: SessionConfig) -> tuple[str, SessionConfig]:
    """The offer of a request, and the session that it asks for.

    Args:
        request: SDP alone, or a form with `sdp` and `session`.
        config: the session if nothing else is asked for.

    Raises:
        ApiError: It is neither.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/sdp":
        return await text_of(request), config
    if kind != "multipart/form-data":
        raise ApiError(
            f"The offer cannot be of the type {kind[:80]!r}: send application/sdp, or a form "
            "(multipart/form-data) with 'sdp' and 'session'.",
            "unsupported_content_type",
        )
    if int(request.headers.get("content-length") or MAX_FORM + 1) > MAX_FORM:
        raise ApiError(
            "The form is longer than 2 MiB, or does not say how long.", "request_too_large"
        )
    try:
        async with request.form(max_files=2, max_fields=2, max_part_size=MAX_PART) as form:
            parts = {name: await text(value) for name, value in form.items()}
    except (MultiPartException, UnicodeDecodeError) as error:
        raise ApiError(f"The form cannot be read ({error}).") from error
    if unknown := sorted(set(parts) - {"sdp", "session"}):
        raise ApiError(f"Unknown parameter: '{unknown[0]}'.", "unknown_parameter", unknown[0])
    if "sdp" not in parts:
        raise ApiError("Missing required parameter: 'sdp'.", "missing_required_parameter", "sdp")
    if "session" in parts:
        config = updated(config, parse(parts["session"]))
    return parts["sdp"], config


async def text(part: UploadFile | str) -> str:
    """A part of a form, whether a field or a file."""
    return part if isinstance(part, str) else (await part.read(MAX_PART)).decode()


def served_at(request: Request) -> str:
    """The address of this machine that a request came to."""
    address, _ = request.scope["server"]
    return str(address).removeprefix("::ffff:")
