"""Runs a robot's tools: beside the sound, each call once, in time or not at all."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from antiphon.tools import Result
from antiphon.transports.mqtt.robot.tool_file import Function
from antiphon.transports.mqtt.wire.messages import MAX_CALLS, Call

MAX_REMEMBERED_CALLS = 256
"""Calls that are known to have been made."""


class ToolRunner:
    """The tools of a robot.

    Args:
        tools: by name.
        on_stop: stops the robot's motion.
    """

    def __init__(
        self, tools: Mapping[str, Function] | None = None, on_stop: Callable[[], Any] | None = None
    ) -> None:
        self.tools = dict(tools or {})
        self.on_stop = on_stop
        self._known: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(4, "antiphon-tool")

    def announcements(self) -> list[dict[str, Any]]:
        """What the robot announces."""
        return [each.tool.announcement() for each in self.tools.values()]

    def call(
        self, name: str, call: Call, late: float, done: Callable[[Call, Result], None]
    ) -> bool:
        """Begins a call, unless it is known already or comes too late.

        Args:
            name: of the tool.
            call: as it arrived.
            late: seconds it was on its way longer than necessary.
            done: takes what came of it; not called if the robot is stopped meanwhile.

        Returns:
            Whether it was begun.
        """
        if call.call in self._known:
            return False
        self._known[call.call] = None
        if len(self._known) > MAX_REMEMBERED_CALLS:
            self._known.popitem(last=False)
        tool = self.tools.get(name)
        if tool is None:
            done(call, Result(False, error=f"the robot has no tool '{name}'"))
        elif late > call.expires / 1000:
            done(call, Result(False, error="the call came too late"))
        elif len(self._tasks) >= MAX_CALLS:
            done(call, Result(False, error="the robot has too much to do"))
        else:
            task = asyncio.ensure_future(self._run(tool, call, done))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return True
        return False

    def stop(self) -> None:
        """Stand still: what is waiting is not begun, what runs is not reported."""
        for task in self._tasks:
            task.cancel()
        if self.on_stop is not None:
            self._threads_for_stop().submit(self.on_stop)

    def close(self) -> None:
        """No more calls."""
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, tool: Function, call: Call, done: Callable[[Call, Result], None]) -> None:
        loop = asyncio.get_running_loop()
        done(call, await loop.run_in_executor(self._threads, tool, call.arguments))

    def _threads_for_stop(self) -> ThreadPoolExecutor:
        """A thread of its own: the others may be busy with what is to be stopped."""
        if not hasattr(self, "_stopper"):
            self._stopper = ThreadPoolExecutor(1, "antiphon-stop")
        return self._stopper
