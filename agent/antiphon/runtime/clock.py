"""The only wall clock: how fast a conversation's samples pass, and how long to wait for them."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from antiphon.runtime.frames import RATE


class Clock(Protocol):
    """Seconds that pass by themselves, and waiting for them. Tests put their own one here."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Returns after so many seconds."""
        ...

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Returns True as soon as the signal is set, False after so many seconds without."""
        ...


class WallClock:
    """The computer's own clock."""

    def now(self) -> float:
        """Seconds since the computer started."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleeps; not at all if there is nothing left to wait for."""
        if seconds > 0:
            time.sleep(seconds)

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Waits for a signal."""
        return signal.wait(max(seconds, 0))


def unix_time() -> int:
    """Seconds since 1970, for clients that are told when something expires."""
    return int(time.time())


class Pace:
    """Lets the microphone's samples pass at a speed.

    Args:
        speed: Times real time; None does not wait at all.
        clock: Whose seconds.
    """

    def __init__(self, speed: float | None = 1.0, clock: Clock | None = None) -> None:
        if speed is not None and speed <= 0:
            raise ValueError(f"a pace of {speed} times real time never gets anywhere")
        self.speed = speed
        self._clock = clock or WallClock()
        self._start: float | None = None

    def wait(self, samples: int) -> None:
        """Returns when so many samples have passed since the first call.

        A late caller does not wait, so that lost time is made up.
        """
        if self.speed is None:
            return
        due = samples / (RATE * self.speed)
        now = self._clock.now()
        if self._start is None:
            self._start = now - due
        self._clock.sleep(self._start + due - now)
