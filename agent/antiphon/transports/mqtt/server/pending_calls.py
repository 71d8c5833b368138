"""Calls of a robot's tools that wait for their results."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass

from antiphon.tools import Call, Result
from antiphon.transports.mqtt.wire import messages


@dataclass
class PendingCall:
    """A call that has no result yet."""

    tool: str
    future: Future[Result]
    deadline: float


class PendingCalls:
    """Knows which results are awaited, so that others are refused."""

    def __init__(self) -> None:
        self._waiting: dict[str, PendingCall] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def add(self, call: Call, future: Future[Result], deadline: float) -> bool:
        """Notes a call; False if too many wait already.

        Args:
            call: that is being made.
            future: gets the result, whatever happens.
            deadline: seconds on the server's clock; later it is given up.
        """
        if len(self._waiting) >= messages.MAX_CALLS:
            settle(future, Result(False, error="too many calls are waiting already"))
            return False
        self._waiting[call.id] = PendingCall(call.name, future, deadline)
        return True

    def result(self, tool: str, result: messages.Result) -> bool:
        """Takes a result; False if it was not awaited."""
        waiting = self._waiting.get(result.call)
        if waiting is None or waiting.tool != tool:
            return False
        del self._waiting[result.call]
        settle(waiting.future, Result(result.ok, result.value, result.error))
        return True

    def expire(self, now: float) -> None:
        """Gives up what was due before `now`."""
        for name, waiting in list(self._waiting.items()):
            if waiting.deadline < now:
                del self._waiting[name]
                settle(waiting.future, Result(False, error="the robot did not answer in time"))

    def cancel(self, reason: str) -> None:
        """Gives up everything."""
        for waiting in self._waiting.values():
            settle(waiting.future, Result(False, error=reason))
        self._waiting.clear()


def settle(future: Future[Result], result: Result) -> None:
    """Sets a result, unless the future was cancelled."""
    with contextlib.suppress(InvalidStateError):
        future.set_result(result)
