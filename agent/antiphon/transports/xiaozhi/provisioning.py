"""The address a device asks where its server is ("OTA"); the answer offers no other firmware."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from antiphon.transports.http.guard import given_token, refused
from antiphon.transports.http.tokens import Tokens

OTA, TALK = "/xiaozhi/ota", "/xiaozhi/v1"
"""Paths of the address a device asks, and of the WebSocket it is told."""
MAX_BODY = 2**16
"""Bytes of what a device tells of itself."""
VERSION = 1
"""Of the binary frames: what every device speaks."""


async def answer(request: Request, tokens: Tokens) -> Response:
    """Where the server is.

    Whoever asks has to know the token, which stands at the end of the address: a device can be told
    nothing but an address.

    Args:
        request: of a device.
        tokens: check what it gives.
    """
    token = request.path_params.get("token") or given_token(request.headers) or ""
    if not tokens.accept(token):
        said = "The address has to end with the server's token: /xiaozhi/ota/TOKEN/"
        return refused(401, "invalid_api_key", said)
    try:
        body = await body_of(request)
    except ClientDisconnect:
        return Response(status_code=400)
    if body is None:
        return refused(413, "too_large", f"A device tells at most {MAX_BODY} bytes of itself.")
    secure = request.url.scheme == "https"
    host = request.headers.get("host", request.url.netloc)
    now = datetime.now().astimezone()
    offset = now.utcoffset()
    told: dict[str, Any] = {
        "websocket": {
            "url": f"{'wss' if secure else 'ws'}://{host}{TALK}/",
            "token": token,
            "version": VERSION,
        },
        "server_time": {
            "timestamp": round(now.timestamp() * 1000),
            "timezone_offset": round(offset.total_seconds() / 60) if offset else 0,
        },
    }
    if version := version_of(body):
        told["firmware"] = {"version": version, "url": ""}  # any other version were an update
    return JSONResponse(told)


async def body_of(request: Request) -> bytes | None:
    """What a device tells of itself; None: it is too much."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def version_of(body: bytes) -> str | None:
    """The version of a device's firmware, if it tells one."""
    try:
        version = json.loads(body)["application"]["version"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return version if isinstance(version, str) and 0 < len(version) <= 64 else None
