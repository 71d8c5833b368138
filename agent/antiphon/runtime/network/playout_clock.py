"""When a client will have played what it was sent, if it plays it at once."""

from __future__ import annotations

from collections import deque

from antiphon.runtime.frames import FRAME_MS

FRAME_SECONDS = FRAME_MS / 1000


class PlayoutClock:
    """Positions of a conversation's output, and when they will have been played.

    Args:
        rate: positions a second.
        now: seconds of the clock.
    """

    def __init__(self, rate: int, now: float) -> None:
        self.until = now
        """When everything that was sent will have been played."""
        self._rate = rate
        self._due: deque[tuple[int, float]] = deque()

    def __bool__(self) -> bool:
        """Whether anything is yet to be played."""
        return bool(self._due)

    def sent(self, position: int, now: float) -> None:
        """A frame of sound up to a position was sent."""
        self.until = max(self.until, now) + FRAME_SECONDS
        self._due.append((position, self.until))

    def silent(self, position: int) -> None:
        """A frame up to a position had nothing to be sent: it is over with those before it."""
        if self._due:
            self._due.append((position, self._due[-1][1]))

    def playing(self, now: float) -> int | None:
        """The position that is played; None: everything was."""
        for position, when in self._due:
            if when > now:
                return position - round(min(when - now, FRAME_SECONDS) * self._rate)
        return None

    def passed(self, now: float) -> int | None:
        """The last position that was played since this was asked last; None: there is none."""
        position = None
        while self._due and self._due[0][1] <= now:
            position = self._due.popleft()[0]
        return position

    def cut(self, now: float) -> None:
        """Nothing more of what was sent is played."""
        self._due.clear()
        self.until = now
