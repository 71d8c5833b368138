"""One clock for all conversations of a process that have something to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from antiphon.runtime.clock import Clock, WallClock
from antiphon.runtime.network.driver import Driver
from antiphon.runtime.network.playout_clock import FRAME_SECONDS

log = logging.getLogger(__name__)


class Ticker:
    """Ticks every active driver every 20 ms; without any it stands still.

    Args:
        clock: tells how much time has passed.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()
        self._active: dict[Driver, Callable[[Exception], None]] = {}
        self._wake = asyncio.Event()

    def activate(self, driver: Driver, failed: Callable[[Exception], None]) -> None:
        """Tick a driver as long as it is active.

        Args:
            driver: that has something to do.
            failed: called if it raises; it is not ticked any more, the others are.
        """
        self._active[driver] = failed
        self._wake.set()

    async def run(self) -> None:
        """Tick until cancelled."""
        due = self._clock.now()
        while True:
            if not self._active:
                self._wake.clear()
                await self._wake.wait()
                due = self._clock.now()
            due = max(due + FRAME_SECONDS, self._clock.now() - FRAME_SECONDS)
            await asyncio.sleep(due - self._clock.now())
            self._tick()

    def _tick(self) -> None:
        for driver, failed in list(self._active.items()):
            try:
                driver.tick()
                gone = not driver.active
            except Exception as error:
                log.exception("a conversation broke")
                gone = True
                failed(error)
            if gone:
                self._active.pop(driver, None)
