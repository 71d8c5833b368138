"""The Realtime API over a WebSocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon.transports.http.gateway import Gateway
from antiphon.transports.http.sessions import FullError, Session
from antiphon.transports.lifecycle import end
from antiphon.transports.realtime.connection import Connection, config_of, wants_beta
from antiphon.transports.realtime.protocol.sound import EventAudio
from antiphon.transports.realtime.rest.endpoint import refusal

log = logging.getLogger(__name__)

CLOSE_SECONDS = 2.0


class RealtimeSocket:
    """Serves `/v1/realtime`.

    Args:
        gateway: who may connect, and makes conversations.
        join: serves a client that names a call.
    """

    def __init__(self, gateway: Gateway, join: Callable[[WebSocket, str], Awaitable[None]]) -> None:
        self._gateway, self._join = gateway, join

    async def __call__(self, socket: WebSocket) -> None:
        """Serve a client until it is gone, or has to be dismissed."""
        if "call_id" in socket.query_params:
            await self._join(socket, socket.query_params["call_id"])
            return
        try:
            with self._gateway.admit("realtime") as place:
                await self._serve(socket, place)
        except FullError as error:
            later = {"retry-after": str(error.retry_after)}
            full = refusal(str(error), "session_limit_reached", None, status=503, headers=later)
            await socket.send_denial_response(full)

    async def _serve(self, socket: WebSocket, place: Session) -> None:
        await accept(socket)
        config, beta = config_of(self._gateway, socket), wants_beta(socket)
        connection = Connection(self._gateway, place, config, EventAudio(), beta=beta)
        ended = asyncio.create_task(place.ended())
        work = [
            asyncio.create_task(listen(socket, connection.take)),
            asyncio.create_task(connection.outbox.send(socket.send_text)),
        ]
        try:
            await asyncio.wait([*work, ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(work)
            connection.close()
            if ended.done():
                await dismiss(socket, ended.result())
            ended.cancel()


async def accept(socket: WebSocket) -> None:
    """Let a client in, with OpenAI's subprotocol if it offers that."""
    offered: list[str] = socket.scope.get("subprotocols", [])
    await socket.accept("realtime" if "realtime" in offered else None)


async def listen(socket: WebSocket, take: Callable[[str | None], None]) -> None:
    """Take the client's messages until it is gone."""
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            take(message.get("text"))
            await asyncio.sleep(0)  # a client that sends without end is not alone
    except WebSocketDisconnect:
        return


async def dismiss(socket: WebSocket, reason: str) -> None:
    """Say good-bye, to a client that may not listen."""
    try:
        await asyncio.wait_for(socket.close(1001, reason[:120]), CLOSE_SECONDS)
    except (asyncio.TimeoutError, RuntimeError, WebSocketDisconnect):
        log.debug("a client did not take its leave")
