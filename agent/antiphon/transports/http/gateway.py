"""What faces share: the agent, the clock, the places for sessions, tokens and counters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from antiphon.runtime.network.client import Client
from antiphon.runtime.network.driver import Driver
from antiphon.runtime.network.ticker import Ticker
from antiphon.runtime.options import Options
from antiphon.transports.http.metrics import Metrics
from antiphon.transports.http.sessions import Session, Sessions
from antiphon.transports.http.tokens import Tokens
from antiphon.transports.transport import Host, Peer


class Gateway:
    """Given to every face.

    Args:
        host: makes conversations, and hears and speaks outside of them.
        options: of the conversations.
        sessions: places for clients.
        tokens: of clients; a face may issue some for a short time.
        metrics: count what happens.
    """

    def __init__(
        self, host: Host, options: Options, sessions: Sessions, tokens: Tokens, metrics: Metrics
    ) -> None:
        self.host, self.options = host, options
        self.sessions, self.tokens, self.metrics = sessions, tokens, metrics
        self.ticker = Ticker()
        metrics.waiting(lambda: sessions.waiting)

    def admit(self, face: str) -> AbstractContextManager[Session]:
        """A place for a client, while it is connected.

        Raises:
            FullError: There is none.
        """
        return self.sessions.admit(face)

    def drive(
        self,
        peer: Peer,
        client: Client,
        session: Session,
        *,
        rate: int,
        failed: Callable[[Exception], None],
        stepped: Callable[[], None] = lambda: None,
        lead: float | None = None,
        grace: float | None = None,
    ) -> Driver:
        """A new conversation and its driver; to be closed by the face.

        Args:
            peer: the client with its tools.
            client: is told what happens.
            session: the place it has.
            rate: samples a second of what it plays.
            failed: called if the conversation breaks.
            stepped: see `Driver`.
            lead: see `Driver`.
            grace: see `Driver`.
        """
        given = {"lead": lead, "grace": grace}
        more: Any = {name: value for name, value in given.items() if value is not None}
        driver = Driver(
            self.host.converse(peer),
            client,
            rate=rate,
            stepped=stepped,
            activate=lambda: self.ticker.activate(driver, failed),
            **more,
        )
        session.busy = lambda: driver.conversation.state in ("thinking", "speaking")
        session.waiting = lambda: driver.waiting
        return driver
