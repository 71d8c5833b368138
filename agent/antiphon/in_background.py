"""Making what comes next while the caller works on what came before."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def in_background(items: Iterable[T]) -> Generator[T, None, None]:
    """The items in their order, made by a thread that does not wait until they are asked for.

    Errors come where the item would have come. Closing the generator stops the thread behind the
    item it is making; a cancellation (`antiphon_codecs.interruption`) stops it in the middle.
    """
    made: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    stopped = threading.Event()

    def make() -> None:
        try:
            for item in items:
                made.put((item,))
                if stopped.is_set():
                    return
            made.put(None)
        except BaseException as error:
            made.put(error)

    thread = threading.Thread(
        target=copy_context().run, args=(make,), name="antiphon-ahead", daemon=True
    )
    thread.start()
    try:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        stopped.set()
