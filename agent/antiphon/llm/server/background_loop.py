"""What happens in an event loop, waited for by a thread that may be asked to stop at any moment."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from antiphon_codecs.interruption import checkpoint

T = TypeVar("T")

POLL_SECONDS = 0.02
"""How often somebody who waits asks whether to go on."""


class BackgroundLoop:
    """An event loop in a thread of its own, which ends with the object."""

    def __init__(self) -> None:
        loop = self._loop = asyncio.new_event_loop()

        def run() -> None:
            loop.run_forever()
            loop.close()

        threading.Thread(target=run, name="antiphon-io", daemon=True).start()
        weakref.finalize(self, loop.call_soon_threadsafe, loop.stop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def iterate(
        self, produce: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]]
    ) -> Generator[T, None, None]:
        """What a coroutine hands out, as soon as it does.

        Args:
            produce: makes the coroutine from the function that it hands things to. It is cancelled
                when the generator is closed, or left at a checkpoint while it waits.
        """
        made: queue.SimpleQueue[T | Future[None]] = queue.SimpleQueue()
        task = asyncio.run_coroutine_threadsafe(produce(made.put), self._loop)
        task.add_done_callback(made.put)
        try:
            while True:
                checkpoint()
                try:
                    item = made.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    continue
                if isinstance(item, Future):
                    item.result()
                    return
                yield item
        finally:
            task.cancel()
