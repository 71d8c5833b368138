"""Whose models compute first when several conversations share the processor.

Conversations that compute side by side all become slow together, and each of their replies begins
late. So the one whose sound is due first computes, and the others wait at their next checkpoint
(earliest deadline first; Liu and Layland, 1973): a reply of which two seconds are still to be heard
lets one begin that nobody has heard yet.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from antiphon.compute import cpu_threads
from antiphon.runtime.clock import WallClock

CLOCK = WallClock()
"""By which it is told when something is due."""

PATIENCE = 0.7
"""Seconds in which what is prepared while the user speaks is due."""
LEAD = 5.0
"""Seconds that a reply may be late before one that nobody has heard yet waits for it."""
LATE = 2.5
"""Seconds after which who is late computes on two cores, as models can: two that compute side by
side on one each are done sooner together, but neither of them alone."""
BEGINNING = 0.3
"""Seconds of sound with which a reply has begun."""
AHEAD = 0.5
"""Seconds before a reply runs dry in which its next piece is due."""
LEASE = 0.5
"""Seconds after which who gave no sign is no longer waited for: it may wait for a tool."""
LOOK = 0.01
"""Seconds between two looks of those who wait."""
COMPUTING = 0.05
"""Share of a core from which on a thread computes, and does not wait for somebody."""


class Claim:
    """A thread's claim to compute.

    Args:
        due: when what it computes is due, by `CLOCK`.
    """

    def __init__(self, due: Callable[[], float]) -> None:
        self.due = due
        self.seen = CLOCK.now()
        """When it last computed, or wanted to."""
        self._last = self.seen, time.thread_time()
        """The clock and the thread's own at its last checkpoint."""

    def sign(self) -> None:
        """Called at a checkpoint: note whether the thread computed since the last one."""
        now, used = CLOCK.now(), time.thread_time()
        if used - self._last[1] >= COMPUTING * (now - self._last[0]):
            self.seen = now
        self._last = now, used

    def wait(self, seconds: float = LOOK) -> None:
        """Called while it waits for its turn."""
        CLOCK.sleep(seconds)
        self.seen = CLOCK.now()
        self._last = self.seen, time.thread_time()


class Precedence:
    """The threads that compute for conversations of one process.

    Args:
        cores: that they share.
    """

    def __init__(self, cores: int = cpu_threads.MOST) -> None:
        self._cores = max(2, cores)
        self._lock = threading.Lock()
        self._claims: set[Claim] = set()

    def enter(self, claim: Claim) -> None:
        """Something is to be computed by this thread."""
        claim.wait(0)
        with self._lock:
            self._claims.add(claim)

    def leave(self, claim: Claim) -> None:
        """It is done."""
        with self._lock:
            self._claims.discard(claim)

    def give_way(self, claim: Claim, cancelled: Callable[[], bool]) -> bool:
        """Called between two steps of a model: wait while others are due earlier.

        Args:
            claim: of the thread that calls.
            cancelled: whether nobody waits for its work any more.

        Returns:
            Whether nobody does.
        """
        claim.sign()
        while not (stopped := cancelled()) and not self._may_go_on(claim):
            claim.wait()
        return stopped

    def _may_go_on(self, claim: Claim) -> bool:
        """Whether those who are due earlier leave a core."""
        now, own = CLOCK.now(), (claim.due(), id(claim))
        with self._lock:
            others = [each for each in self._claims if each.seen >= now - LEASE]
        dues = [(each.due(), id(each)) for each in others if each is not claim]
        return sum(1 + (due[0] < now - LATE) for due in dues if due < own) < self._cores
