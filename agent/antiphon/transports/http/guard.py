"""Lets in who may connect: checks host, origin and token of every request (ASGI middleware)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from antiphon.transports.http.settings import LOOPBACK_NAMES
from antiphon.transports.http.tokens import Tokens

SUBPROTOCOL = "openai-insecure-api-key."
"""Browsers cannot set headers of a WebSocket; OpenAI's clients put the token into a subprotocol."""


class Guard:
    """Refuses requests of strangers.

    Args:
        app: what is guarded.
        tokens: check what clients give.
        origins: web pages of others that may connect.
        public: paths that need no token, nor does what is below them; "/" is the index alone.
    """

    def __init__(
        self, app: ASGIApp, tokens: Tokens, origins: Iterable[str], public: Iterable[str]
    ) -> None:
        self._app, self._tokens = app, tokens
        self._origins, self._public = frozenset(origins), frozenset(public)
        self._below = tuple(f"{path}/" for path in self._public - {"/"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await WebSocket(scope, receive, send).send_denial_response(refusal)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if len(headers.getlist("host")) > 1:  # RFC 9112, section 3.2; not all parsers refuse it
            return refused(400, "host_refused", "The request names more than one host.")
        if not self._tokens.needed and hostname(f"//{host}") not in LOOPBACK_NAMES:
            # A page of a stranger whose name was made to mean this machine (DNS rebinding).
            return refused(403, "host_refused", f"This server is not called {host[:80]!r}.")
        if origin is not None and origin not in self._origins:
            own = {f"http://{host}", f"https://{host}"}
            if origin not in own:
                return refused(
                    403,
                    "origin_refused",
                    f"Pages of {origin[:80]!r} may not connect: see --allow-origin.",
                )
        path: str = scope["path"]
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            return None  # asked by a browser before the request itself, without any token
        if path in self._public or path.startswith(self._below):
            return None
        if self._tokens.accept(given_token(headers)):
            return None
        return refused(401, "invalid_api_key", "The token is missing, wrong or has expired.")


def given_token(headers: Headers) -> str | None:
    """The token that a client gave, if any."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    for each in headers.get("sec-websocket-protocol", "").split(","):
        if each.strip().startswith(SUBPROTOCOL):
            return each.strip().removeprefix(SUBPROTOCOL)
    return None


def hostname(url: str) -> str:
    """The host of an address; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def refused(status: int, code: str, message: str) -> JSONResponse:
    """A refusal in the form of OpenAI's errors."""
    body = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": body}, status, headers)
