"""Stopping work that nobody waits for any more, in the middle of a model, and how urgent it is.

Models call `checkpoint` between their layers. That costs nothing to speak of, and a computation on
somebody's behalf can be left at any of them: states are values, so whatever was half done is
forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
_cancelled: ContextVar[Callable[[], bool] | None] = ContextVar("cancelled", default=None)
_due: ContextVar[Callable[[], float] | None] = ContextVar("due", default=None)


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


def due() -> Callable[[], float]:
    """Tells when what is computed now is due: the earlier, the more urgent.

    Infinity where nobody said; the clock is that of whoever said.
    """
    return _due.get() or (lambda: math.inf)


def interruptible(
    items: Generator[T, None, None],
    cancelled: Callable[[], bool],
    due: Callable[[], float] | None = None,
) -> Generator[T, None, None]:
    """The items, until `cancelled()`; an item being made is left at the next checkpoint.

    Args:
        items: made one by one in the thread that asks for them.
        cancelled: cheap; asked at every checkpoint.
        due: when the item being made is due; None: as what is around it.
    """
    try:
        while True:
            before = _cancelled.set(cancelled)
            due_before = _due.set(due or _due.get())
            try:
                checkpoint()
                item = next(items)
            except (StopIteration, Cancelled):
                return
            finally:
                _cancelled.reset(before)
                _due.reset(due_before)
            yield item
    finally:
        items.close()
