"""Runs until it is told to end, and ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
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
