"""Stopping work that nobody waits for any more, in the middle of a model.

Models call `checkpoint` between their layers. That costs nothing to speak of, and a computation on
somebody's behalf can be left at any of them: states are values, so whatever was half done is
forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
_cancelled: ContextVar[Callable[[], bool] | None] = ContextVar("cancelled", default=None)


class Cancelled(Exception):  # noqa: N818, it is no error
    """Nobody waits for the result any more."""


def checkpoint() -> None:
    """Ask whether to go on.

    Raises:
        Cancelled: the work belongs to `interruptible` items that were cancelled.
    """
    cancelled = _cancelled.get()
    if cancelled is not None and cancelled():
        raise Cancelled


def interruptible(
    items: Generator[T, None, None], cancelled: Callable[[], bool]
) -> Generator[T, None, None]:
    """The items, until `cancelled()`; an item being made is left at the next checkpoint.

    Args:
        items: made one by one in the thread that asks for them.
        cancelled: cheap; asked at every checkpoint.
    """
    try:
        while True:
            before = _cancelled.set(cancelled)
            try:
                checkpoint()
                item = next(items)
            except (StopIteration, Cancelled):
                return
            finally:
                _cancelled.reset(before)
            yield item
    finally:
        items.close()
