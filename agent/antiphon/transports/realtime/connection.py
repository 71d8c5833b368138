"""One client's session and its events as text, whatever carries them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import HTTPConnection

from antiphon.transports.http.gateway import Gateway
from antiphon.transports.http.guard import given_token
from antiphon.transports.http.sessions import Session
from antiphon.transports.realtime.insights import offered_by
from antiphon.transports.realtime.protocol.beta import from_beta, to_beta
from antiphon.transports.realtime.protocol.config import SessionConfig, updated
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.sound import AudioPath
from antiphon.transports.realtime.protocol.validation import parse
from antiphon.transports.realtime.session import RealtimeSession

log = logging.getLogger(__name__)

written = json.JSONEncoder(separators=(",", ":")).encode
MAX_UNSENT = 4 * 2**20
"""Bytes that wait for a client that does not read; of more, it is dismissed."""


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


class Connection:
    """A session that is spoken to in text.

    Args:
        gateway: makes the conversation.
        place: the client's place at the server.
        config: the session as it begins.
        audio: takes the sound of replies.
        beta: whether events have the names of the beta version.
    """

    def __init__(
        self,
        gateway: Gateway,
        place: Session,
        config: SessionConfig,
        audio: AudioPath,
        *,
        beta: bool,
    ) -> None:
        self._place, self._beta = place, beta
        self.outbox = Outbox(lambda: place.end("The client does not read."))
        self._outboxes = {self.outbox: beta}
        """Whom events are sent to, and whether with the names of the beta version."""
        self.session = RealtimeSession(gateway, place, self._send, audio, config, self._broke)

    def take(self, text: str | None, *, beta: bool | None = None) -> None:
        """A message of a client.

        Args:
            text: None: it was no text.
            beta: whether it has the names of the beta version; None: if this client's have.
        """
        with self._used():
            if text is None:
                error = ApiError("Send events as text, not as bytes.", "invalid_json")
                self.session.error(error)
            else:
                beta = self._beta if beta is None else beta
                self.session.take(translated(text) if beta else text)

    def hear(self, pcm: NDArray[np.float32], rate: int) -> None:
        """Sound of a microphone that does not travel in events, [N] samples."""
        with self._used():
            self.session.hear(pcm, rate)

    @contextmanager
    def followed(self, outbox: Outbox, *, beta: bool) -> Iterator[None]:
        """Send all events to somebody else, too, beginning with the session as it is now.

        Args:
            outbox: takes them.
            beta: whether with the names of the beta version.
        """
        _put(outbox, self.session.created(), beta=beta)
        self._outboxes[outbox] = beta
        try:
            yield
        finally:
            del self._outboxes[outbox]

    @property
    def followers(self) -> int:
        """How many follow it."""
        return len(self._outboxes) - 1

    def close(self) -> None:
        """The client is gone."""
        self.session.close()

    @contextmanager
    def _used(self) -> Iterator[None]:
        """The client is there; a fault of ours ends its session and no other one."""
        self._place.touch()
        try:
            yield
        except Exception as error:
            log.exception("a session broke")
            self._place.end(f"The session broke ({type(error).__name__}).")

    def _send(self, event: dict[str, Any]) -> None:
        for outbox, beta in self._outboxes.items():
            _put(outbox, event, beta=beta)

    def _broke(self, error: Exception) -> None:
        self._place.end(f"The conversation broke ({type(error).__name__}).")


def _put(outbox: Outbox, event: dict[str, Any], *, beta: bool) -> None:
    told = to_beta(event) if beta else event
    if told is not None:
        outbox.put(written(told))


def wants_beta(request: HTTPConnection) -> bool:
    """Whether a client asks for the beta version."""
    offered: list[str] = request.scope.get("subprotocols", [])
    named = "realtime=v1" in request.headers.get("openai-beta", "")
    return named or "openai-beta.realtime-v1" in offered


def config_of(gateway: Gateway, request: HTTPConnection) -> SessionConfig:
    """The session as it begins: with what a client's secret or its address says."""
    wanted = {"events": request.query_params.get("antiphon") == "events"}
    secret = gateway.tokens.secret(given_token(request.headers))
    if secret is not None and isinstance(secret.session, SessionConfig):
        made = secret.session.antiphon.model_copy(update=wanted)
        return secret.session.model_copy(update={"antiphon": made})
    offered = offered_by(gateway.host).model_copy(update=wanted)
    config = SessionConfig(model=request.query_params.get("model"), antiphon=offered)
    begun: SessionConfig = updated(config, {})
    return begun


def translated(text: str) -> str:
    """A message of the beta version in today's names."""
    try:
        return json.dumps(from_beta(parse(text)))
    except (ApiError, RecursionError):
        return text
