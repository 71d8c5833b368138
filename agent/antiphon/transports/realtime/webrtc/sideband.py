"""A call's events over a WebSocket, too: a server's own line to a call of its user's browser."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.websockets import WebSocket

from antiphon.transports.lifecycle import end
from antiphon.transports.realtime.connection import Connection, Outbox, wants_beta
from antiphon.transports.realtime.websocket import accept, dismiss, listen

UNREAD = "The client does not read."
OVER = "The call is over."


async def serve(socket: WebSocket, connection: Connection, over: asyncio.Future[None]) -> None:
    """Give a client the events of a call, and take its own, until it is gone or the call is over.

    Args:
        socket: of the client.
        connection: of the call.
        over: done when the call is.
    """
    await accept(socket)
    unread = asyncio.Event()
    outbox = Outbox(unread.set)
    beta = wants_beta(socket)
    work = [
        asyncio.create_task(listen(socket, lambda text: connection.take(text, beta=beta))),
        asyncio.create_task(outbox.send(socket.send_text)),
    ]
    full = asyncio.create_task(unread.wait())
    try:
        with connection.followed(outbox, beta=beta):
            ends: list[asyncio.Future[Any]] = [*work, full, over]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end([*work, full])
        if unread.is_set() or over.done():
            await dismiss(socket, UNREAD if unread.is_set() else OVER)
