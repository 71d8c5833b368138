"""How coarsely a recognizer that knows several rates hears just now: coarser while many wait.

A rate is how many states of the speech encoder become one vector, so a coarse one costs less and
hears worse. The conversations of a process share it. They say who was asked something and when the
answer began; from that `RateFollower` derives the load, and `stepped` the rate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from antiphon.errors import UserError

MANY, FEW = 3, 1
"""Questions waiting from which on it hears coarser, and up to which it may hear finer."""
SLOW, QUICK = 1.5, 0.8
"""Seconds until an answer begins, with the same meaning."""
CALM = 10.0
"""Seconds that the load has to be small for it to hear finer by one rate; and after which it does
not matter any more how long the last answer took."""
PATIENCE = 0.5
"""Seconds after a change before it hears coarser still: the change has to be felt."""


@dataclass(frozen=True)
class Load:
    """What the conversations of a process go through."""

    waiting: int = 0
    """Questions whose answer has not begun."""
    first_audio: float = 0.0
    """Seconds that the last answer took to begin, or that one waits for already, if longer."""

    @property
    def heavy(self) -> bool:
        """Whether it should hear coarser."""
        return self.waiting >= MANY or self.first_audio > SLOW

    @property
    def light(self) -> bool:
        """Whether it may hear finer."""
        return self.waiting <= FEW and self.first_audio < QUICK


@dataclass(frozen=True)
class RateState:
    """Where the policy stands."""

    steps: int = 0
    """How many rates coarser than the finest."""
    changed: float = float("-inf")
    """When that changed last."""
    calm: float | None = None
    """Since when the load is light; None: it is not."""


def stepped(state: RateState, load: Load, now: float, rates: int) -> RateState:
    """The policy after a look at the load. What is neither heavy nor light changes nothing.

    Args:
        state: before.
        load: just now.
        now: by any clock, seconds.
        rates: how many there are.
    """
    coarsest = rates - 1
    if load.heavy:
        if state.steps < coarsest and now - state.changed >= PATIENCE:
            return RateState(state.steps + 1, now)
        return RateState(min(state.steps, coarsest), state.changed)
    if not load.light:
        return RateState(min(state.steps, coarsest), state.changed)
    calm = now if state.calm is None else state.calm
    finer = int((now - calm) / CALM)
    if state.steps and finer:
        return RateState(max(0, min(state.steps, coarsest) - finer), now, calm + finer * CALM)
    return RateState(min(state.steps, coarsest), state.changed, calm)


class RateFollower:
    """Follows the load of a process; any thread may call it.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._asked: dict[int, float] = {}
        self._last = 0.0, float("-inf")  # how long the last answer took, and when it began
        self._number, self._rates, self._state = 0, 1, RateState()

    def asked(self) -> int:
        """Somebody waits for an answer; the number is for `began`."""
        with self._lock:
            self._number += 1
            self._asked[self._number] = self._clock()
            self._look()
            return self._number

    def began(self, number: int, *, heard: bool = True) -> None:
        """The answer began, or was given up (`heard` is False); later calls change nothing."""
        with self._lock:
            since = self._asked.pop(number, None)
            if since is not None and heard:
                now = self._clock()
                self._last = now - since, now
            self._look()

    def load(self) -> Load:
        """The load just now."""
        with self._lock:
            return self._load(self._clock())

    def rate(self, rates: Sequence[int]) -> int:
        """Which of the rates, rising, to hear at now."""
        with self._lock:
            self._rates = len(rates)
            self._look()
            return rates[self._state.steps]

    def _load(self, now: float) -> Load:
        longest = max((now - since for since in self._asked.values()), default=0.0)
        took, at = self._last
        return Load(len(self._asked), max(longest, took if now - at <= CALM else 0.0))

    def _look(self) -> None:
        now = self._clock()
        self._state = stepped(self._state, self._load(now), now, self._rates)


FOLLOWER = RateFollower()
"""Of this process."""
_fixed: int | None = None


def use(rate: str) -> None:
    """Hear at a rate from now on: "auto" follows the load.

    Raises:
        UserError: It is neither auto nor a number.
    """
    global _fixed
    if rate != "auto" and not (rate.isdecimal() and int(rate) > 0):
        raise UserError(f"The rate is {rate!r}: give auto, or a number such as 4.")
    _fixed = None if rate == "auto" else int(rate)


def fixed() -> int | None:
    """The rate that was asked for; None: it follows the load."""
    return _fixed


def require(rate: int | None, rates: Sequence[int], name: str) -> None:
    """Check that a recognizer hears at a rate.

    Args:
        rate: that is asked for; None: any.
        rates: that it knows; empty: it has but one, which has no name.
        name: of the recognizer.

    Raises:
        UserError: It does not.
    """
    if rate is None or rate in rates:
        return
    if not rates:
        raise UserError(f"{name} hears at one rate only: leave the rate away.")
    known = ", ".join(map(str, rates))
    raise UserError(f"Nobody trained {name} at rate {rate}: choose {known}.")


def chosen(rates: Sequence[int]) -> int:
    """The rate to hear at now.

    Args:
        rates: that a recognizer knows, rising.
    """
    return FOLLOWER.rate(rates) if _fixed is None else _fixed
