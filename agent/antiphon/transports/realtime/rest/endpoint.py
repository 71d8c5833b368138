"""What all endpoints share: errors in OpenAI's form, and a place at the server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from antiphon.errors import UserError
from antiphon.transports.http.sessions import FullError
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.validation import parse

MAX_BODY = 2**20
"""Bytes of a request."""
Handler = Callable[[Request], Awaitable[Response]]


def endpoint(handler: Handler) -> Handler:
    """Answers errors of a handler as OpenAI's API does."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            status = 500 if error.kind == "server_error" else 400
            return refusal(error.message, error.code, error.param, status=status)
        except UserError as error:
            return refusal(str(error), "invalid_value", None)
        except FullError as error:
            headers = {"retry-after": str(error.retry_after)}
            return refusal(str(error), "rate_limit_exceeded", None, status=503, headers=headers)

    return handle


def refusal(
    message: str,
    code: str,
    param: str | None,
    *,
    status: int = 400,
    headers: dict[str, str] | None = None,
) -> Response:
    """An error."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = {"type": kind, "code": code, "message": message, "param": param}
    return JSONResponse({"error": body}, status, headers)


async def text_of(request: Request) -> str:
    """The text of a request.

    Raises:
        ApiError: It is none, or too long.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise ApiError("The request is longer than 1 MiB.", "request_too_large")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ApiError("The request is no UTF-8.", "invalid_json") from error


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request; an empty one if there is none.

    Raises:
        ApiError: It is something else, or too long.
    """
    text = await text_of(request)
    return parse(text) if text else {}


def event(told: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return f"data: {json.dumps(told)}\n\n".encode()
