"""Listens for clients, and lets them go in good order."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from wyoming.error import Error
from wyoming.event import async_write_event

from antiphon.runtime.clock import Clock, WallClock
from antiphon.transports.lifecycle import end
from antiphon.transports.wyoming.connection import Connection
from antiphon.transports.wyoming.events import MAX_LINE
from antiphon.transports.wyoming.service import MAX_CLIENTS, Service

RETRY_SECONDS = 10
"""Seconds after which a client that found no place may try again."""
FINISH_SECONDS = 30.0
"""Seconds that answers are given to be finished when the server ends."""


class Server:
    """Serves until it is cancelled.

    Args:
        service: what answers.
        at: a bound socket.
        clock: tells how long the end has taken.
    """

    def __init__(self, service: Service, at: socket.socket, clock: Clock | None = None) -> None:
        self._service, self._socket, self._clock = service, at, clock or WallClock()
        self._open: dict[asyncio.Task[None], Connection] = {}

    async def run(self) -> None:
        """Serve; once cancelled, finish what is being answered."""
        server = await asyncio.start_server(self._meet, sock=self._socket, limit=MAX_LINE)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            until = self._clock.now() + FINISH_SECONDS
            while any(each.busy for each in self._open.values()) and self._clock.now() < until:
                await asyncio.sleep(0.05)
            await end(list(self._open))
            self._service.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MAX_CLIENTS:
            taken = f"All {MAX_CLIENTS} places are taken: try again in {RETRY_SECONDS} s."
            with contextlib.suppress(OSError):
                await async_write_event(Error(taken, "session_limit_reached").event(), writer)
            writer.close()
            return
        connection, task = Connection(reader, writer, self._service), asyncio.current_task()
        assert task is not None
        self._open[task] = connection
        try:
            with contextlib.suppress(asyncio.CancelledError):  # the server ends
                await connection.run()
        finally:
            del self._open[task]
