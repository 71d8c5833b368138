"""Functions of the client: calls leave when the turn is sure, results come when they come.

The conversation waits for the result of a call and then says what came of it. A client gives the
result as an item, and asks for the answer by `response.create`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from antiphon.tools import Call, Result, Tool
from antiphon.tools.phrases import reply

MAX_SECONDS = 15.0
"""Seconds the conversation waits for a result; one that comes later is said as a text of its own.
The worker gives a job up that shows no sign of life for 20 s."""


@dataclass
class Running:
    """A call on its way."""

    call: Call
    tool: Tool
    future: Future[Result]
    result: Result | None = None


class FunctionCalls:
    """The calls of one session, and what they can be made to.

    Args:
        name: of the client, for messages.
        begin: sends a call to the client, once it is sure.
        asked: called when a call waits to be begun.
    """

    def __init__(self, name: str, begin: Callable[[Call], None], asked: Callable[[], None]) -> None:
        self.robot = name
        self.call_seconds = MAX_SECONDS + 2.0
        """Seconds the conversation waits for a result: a little longer than we let it."""
        self._tools: Mapping[str, Tool] = {}
        self._begin, self._on_asked = begin, asked
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Running] = []
        self._running: dict[str, Running] = {}
        self._required = False
        self._once: tuple[Mapping[str, Tool], bool] | None = None

    @property
    def tools(self) -> Mapping[str, Tool]:
        """What can be called now."""
        return self._tools if self._once is None else self._once[0]

    @property
    def must_call(self) -> bool:
        """Whether one of them is called even if none is clearly asked for."""
        return self._required if self._once is None else self._once[1]

    def offer(self, tools: Mapping[str, Tool], required: bool) -> None:
        """What can be called from now on, and whether something is in every turn."""
        self._required = required
        if tools != self._tools:
            self._tools = dict(tools)

    def offer_once(self, offered: tuple[Mapping[str, Tool], bool] | None) -> None:
        """What one response can call in its place, and whether it must."""
        self._once = offered

    def execute(self, call: Call) -> Future[Result]:
        """Call a function; in the models' thread. Its future is cancelled if it takes too long."""
        future: Future[Result] = Future()
        running = Running(call, self.tools[call.name], future)
        self._loop.call_soon_threadsafe(self._asked, running)
        return future

    def start(self, sure: bool) -> None:
        """Send the calls that wait.

        Args:
            sure: whether the user's turn is over; a call of one that goes on is never made.
        """
        while sure and self._waiting:
            running = self._waiting.pop(0)
            if not running.future.cancelled():
                self._running[running.call.id] = running
                self._loop.call_later(MAX_SECONDS, running.future.cancel)
                self._begin(running.call)

    def give(self, call_id: str, output: str) -> bool:
        """A client gives a result; returns whether it was asked for."""
        running = self._running.get(call_id)
        if running is None or running.result is not None:
            return False
        running.result = result_of(output)
        return True

    def speak(self) -> list[str] | None:
        """Let the conversation say the results that were given.

        Returns:
            Sentences for results that it does not wait for any more; None: there are no results.
        """
        given = [running for running in self._running.values() if running.result is not None]
        late = []
        for running in given:
            del self._running[running.call.id]
            assert running.result is not None
            if running.future.cancelled():
                late.append(reply(running.tool, running.call, running.result, ""))
            with suppress(InvalidStateError):
                running.future.set_result(running.result)
        return late if given else None

    def close(self) -> None:
        """Nobody waits for results any more."""
        for running in [*self._waiting, *self._running.values()]:
            running.future.cancel()
        self._waiting.clear()
        self._running.clear()

    def _asked(self, running: Running) -> None:
        self._waiting.append(running)
        self._on_asked()


def result_of(output: str) -> Result:
    """What a client sent as a result: any JSON, or a text."""
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        value = output
    if isinstance(value, dict) and value.get("error"):
        return Result(False, error=str(value["error"])[:500])
    if isinstance(value, dict) and value.get("ok") is False:
        return Result(False, error=str(value.get("message", "it did not work"))[:500])
    return Result(True, unwrapped(value))


def unwrapped(value: Any) -> Any:
    """A value as a person would say it: an object that only tells one thing is this thing."""
    if isinstance(value, dict) and len(value) == 1:
        (only,) = value.values()
        return value if isinstance(only, bool) else only
    return value
