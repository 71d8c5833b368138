"""Runs until it is told to end, and ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` until it is done, or cancels it when the system or the user says so."""

    async def until_signalled() -> None:
        task = asyncio.ensure_future(work)
        with contextlib.suppress(NotImplementedError):  # where there are no signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if not task.done():  # it was us who were told
            task.cancel()
            await asyncio.wait([task])

    run_loop(until_signalled())


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` to its end in the quickest event loop that is installed."""
    try:
        import uvloop  # spends less on every message than asyncio's own
    except ImportError:  # on Windows
        asyncio.run(work)
    else:
        uvloop.run(work)


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels tasks until they are done.

    Once is not enough: up to Python 3.11, `asyncio.wait_for` swallows a cancellation that comes
    together with the result.
    """
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=0.1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def until_first_ends(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Waits until one of the tasks ends, raises what it raised, and ends the others."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(tasks)
