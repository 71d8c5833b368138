"""The Realtime API over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon.transports.http.gateway import Gateway
from antiphon.transports.http.guard import given_token
from antiphon.transports.http.sessions import FullError, Session
from antiphon.transports.realtime.insights import insights_of
from antiphon.transports.realtime.protocol.beta import from_beta, to_beta
from antiphon.transports.realtime.protocol.config import Insights, SessionConfig, updated
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.validation import parse
from antiphon.transports.realtime.session import RealtimeSession

log = logging.getLogger(__name__)

MAX_UNSENT = 4 * 2**20
"""Bytes that wait for a client that does not read; of more, it is dismissed."""
CLOSE_SECONDS = 2.0


class Outbox:
    """Events on their way to a client, in order and bounded."""

    def __init__(self, full: Callable[[], None]) -> None:
        self._waiting: deque[str] = deque()
        self._size, self._full = 0, full
        self._filled = asyncio.Event()

    def put(self, text: str) -> None:
        """Send something; if too much waits, the client is dismissed."""
        if self._size > MAX_UNSENT:
            self._full()
            return
        self._waiting.append(text)
        self._size += len(text)
        self._filled.set()

    async def send(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what there is, until cancelled."""
        while True:
            self._filled.clear()
            while self._waiting:
                text = self._waiting.popleft()
                self._size -= len(text)
                await send(text)
            await self._filled.wait()


class RealtimeSocket:
    """Serves `/v1/realtime`.

    Args:
        gateway: who may connect, and makes conversations.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, socket: WebSocket) -> None:
        """Serve a client until it is gone, or has to be dismissed."""
        try:
            with self._gateway.admit("realtime") as place:
                await self._serve(socket, place)
        except FullError as error:
            again = {"retry-after": str(error.retry_after)}
            kind = {"type": "server_error", "code": "session_limit_reached", "param": None}
            body = {"error": {**kind, "message": str(error)}}
            await socket.send_denial_response(JSONResponse(body, 503, again))

    async def _serve(self, socket: WebSocket, place: Session) -> None:
        offered: list[str] = socket.scope.get("subprotocols", [])
        beta = "realtime=v1" in socket.headers.get("openai-beta", "")
        beta = beta or "openai-beta.realtime-v1" in offered
        await socket.accept("realtime" if "realtime" in offered else None)
        outbox = Outbox(lambda: place.end("The client does not read."))

        def send(event: dict[str, Any]) -> None:
            told = to_beta(event) if beta else event
            if told is not None:
                outbox.put(json.dumps(told, separators=(",", ":")))

        def broken(error: Exception) -> None:
            place.end(f"The conversation broke ({type(error).__name__}).")

        config = self._config(socket, beta)
        session = RealtimeSession(self._gateway, place, send, config, broken)
        ended = asyncio.create_task(place.ended())
        work = [
            asyncio.create_task(listen(socket, place, session, beta)),
            asyncio.create_task(outbox.send(socket.send_text)),
        ]
        try:
            await asyncio.wait([*work, ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            session.close()
            if ended.done():
                await dismiss(socket, ended.result())
            ended.cancel()

    def _config(self, socket: WebSocket, beta: bool) -> SessionConfig:
        """The session as it begins: with what its secret or its address says."""
        insights = insights_of(self._gateway.host.responder)
        wanted = socket.query_params.get("antiphon") == "events"
        config = SessionConfig(
            model=socket.query_params.get("model"),
            antiphon=insights.model_copy(update={"events": wanted}),
        )
        config = updated(config, {})
        secret = self._gateway.tokens.secret(given_token(socket.headers))
        if secret is not None and isinstance(secret.session, SessionConfig):
            events = Insights(**{**insights.model_dump(), "events": wanted})
            return secret.session.model_copy(update={"antiphon": events})
        return config


async def listen(socket: WebSocket, place: Session, session: RealtimeSession, beta: bool) -> None:
    """Take the client's messages until it is gone."""
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            place.touch()
            text = message.get("text")
            if text is None:
                session.error(ApiError("Send events as text, not as bytes.", "invalid_json"))
            else:
                session.take(translated(text) if beta else text)
            await asyncio.sleep(0)  # a client that sends without end is not alone
    except WebSocketDisconnect:
        return
    except Exception as error:
        log.exception("a session broke")
        place.end(f"The session broke ({type(error).__name__}).")


def translated(text: str) -> str:
    """A message of the beta version in today's names."""
    try:
        return json.dumps(from_beta(parse(text)))
    except (ApiError, RecursionError):
        return text


async def dismiss(socket: WebSocket, reason: str) -> None:
    """Say good-bye, to a client that may not listen."""
    try:
        await asyncio.wait_for(socket.close(1001, reason[:120]), CLOSE_SECONDS)
    except (asyncio.TimeoutError, RuntimeError, WebSocketDisconnect):
        log.debug("a client did not take its leave")
