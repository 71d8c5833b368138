"""Who is connected: a limited number, each dismissed when it is idle or the server ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from antiphon.runtime.clock import Clock, WallClock
from antiphon.runtime.events import Event
from antiphon.transports.http.metrics import Metrics

RETRY_SECONDS = 10
"""Seconds after which a client that found no place may try again."""
FINISH_SECONDS = 30.0
"""Seconds that replies are given to be finished when the server ends."""
CHECK_SECONDS = 0.1


class FullError(Exception):
    """There is no place for another session.

    Args:
        reason: one sentence.
    """

    retry_after = RETRY_SECONDS
    """Seconds after which the client may try again."""


class Session:
    """One client's connection, as long as a face holds it.

    Args:
        face: its protocol.
        clock: tells how long it has been idle.
        metrics: count what happens.
    """

    def __init__(self, face: str, clock: Clock, metrics: Metrics) -> None:
        self.face = face
        self.busy: Callable[[], bool] = lambda: False
        """Whether a reply is being made or played; the face says it."""
        self.waiting: Callable[[], float] = lambda: 0.0
        """Seconds of the client's sound that wait to be heard; the face says it."""
        self._clock, self._metrics = clock, metrics
        self._used = clock.now()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def touch(self) -> None:
        """The client sent something."""
        self._used = self._clock.now()

    def observe(self, event: Event) -> None:
        """Count an event of the conversation."""
        self._metrics.observe(event)

    def idle(self) -> float:
        """Seconds since the client sent something, or the agent spoke."""
        if self.busy():
            self.touch()
        return self._clock.now() - self._used

    def end(self, reason: str) -> None:
        """Dismiss the client."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def ended(self) -> str:
        """Waits until the client has to be dismissed; returns the reason, one sentence."""
        return await asyncio.shield(self._ended)


class Sessions:
    """All of them.

    Args:
        limit: at the same time.
        idle: seconds without a message after which one is dismissed.
        metrics: count them.
        clock: tells the time.
    """

    def __init__(
        self, limit: int, idle: float, metrics: Metrics, clock: Clock | None = None
    ) -> None:
        self.limit, self._idle, self._metrics = limit, idle, metrics
        self._clock = clock or WallClock()
        self._open: set[Session] = set()
        self._closing = False

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    @property
    def waiting(self) -> float:
        """Seconds of sound that wait in all of them."""
        return sum(session.waiting() for session in self._open)

    @contextmanager
    def admit(self, face: str) -> Iterator[Session]:
        """A place for a client, while it is connected.

        Args:
            face: its protocol.

        Raises:
            FullError: There is none.
        """
        if self._closing or len(self._open) >= self.limit:
            self._metrics.refused.labels(face).inc()
            taken = f"All {self.limit} places are taken"
            reason = "The server ends" if self._closing else taken
            raise FullError(f"{reason}: try again in {RETRY_SECONDS} s.")
        session = Session(face, self._clock, self._metrics)
        self._open.add(session)
        self._metrics.sessions.labels(face).inc()
        try:
            yield session
        finally:
            self._open.discard(session)
            self._metrics.sessions.labels(face).dec()

    async def watch(self) -> None:
        """Dismiss who is idle, until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, self._idle / 4))
            self._dismiss_idle()

    def _dismiss_idle(self) -> None:
        for session in list(self._open):
            if session.idle() > self._idle:
                session.end(f"Nothing was sent for {self._idle:g} s.")

    async def close(self) -> None:
        """Let no one in any more; dismiss each client once its reply is finished."""
        self._closing = True
        until = self._clock.now() + FINISH_SECONDS
        while self._open and self._clock.now() < until + 1:
            for session in list(self._open):
                if not session.busy() or self._clock.now() > until:
                    session.end("The server ends.")
            await asyncio.sleep(CHECK_SECONDS)
