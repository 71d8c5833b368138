"""Calls of a robot's tools that wait for their results."""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from antiphon.transports.mqtt.messages import Result

MOST = 16
"""Calls that may wait at the same time."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    ok: bool
    """Whether it was done."""
    value: Any = None
    """What the tool returned."""
    error: str | None = None
    """If it was not done: one sentence."""


@dataclass
class Waiting:
    """A call that has no result yet."""

    tool: str
    future: Future[Outcome]
    deadline: float


class Calls:
    """Knows which results are awaited, so that nobody can smuggle one in."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def add(self, tool: str, future: Future[Outcome], deadline: float) -> str | None:
        """Notes a call.

        Args:
            tool: its name.
            future: gets the outcome, whatever happens.
            deadline: seconds on the server's clock; later it is given up.

        Returns:
            The name of the call; None if too many wait already.
        """
        if len(self._waiting) >= MOST:
            _settle(future, Outcome(False, error="too many calls are waiting already"))
            return None
        name = secrets.token_hex(8)
        self._waiting[name] = Waiting(tool, future, deadline)
        return name

    def result(self, tool: str, result: Result) -> bool:
        """Takes a result; False if nobody asked for it."""
        waiting = self._waiting.get(result.call)
        if waiting is None or waiting.tool != tool:
            return False
        del self._waiting[result.call]
        _settle(waiting.future, Outcome(result.ok, result.value, result.error))
        return True

    def expire(self, now: float) -> None:
        """Gives up what was due before `now`."""
        for name, waiting in list(self._waiting.items()):
            if waiting.deadline < now:
                del self._waiting[name]
                _settle(waiting.future, Outcome(False, error="the robot did not answer in time"))

    def cancel(self, reason: str) -> None:
        """Gives up everything."""
        for waiting in self._waiting.values():
            _settle(waiting.future, Outcome(False, error=reason))
        self._waiting.clear()


def _settle(future: Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
