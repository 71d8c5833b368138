"""Conversations in writing: each has a memory, under the id that Home Assistant gives it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from antiphon.runtime.clock import Clock, WallClock
from antiphon.runtime.session.memory import Memory

MAX_CONVERSATIONS = 256
"""Conversations that are remembered; of more, the one that was silent longest is forgotten."""
FORGET_SECONDS = 1800.0
"""Seconds of silence after which a conversation is forgotten."""
MAX_ID = 200
"""Characters of an id."""


@dataclass
class Conversation:
    """What was said in one."""

    memory: Memory
    used: float
    """When, in seconds."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a turn is answered: the next one follows it."""


class Conversations:
    """All of them.

    Args:
        budget: tokens that each may remember.
        clock: tells how long one has been silent.
    """

    def __init__(self, budget: int, clock: Clock | None = None) -> None:
        self._budget, self._clock = budget, clock or WallClock()
        self._known: OrderedDict[str, Conversation] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def new(self) -> Conversation:
        """One without an id, for as long as its connection lasts."""
        return Conversation(Memory(self._budget), self._clock.now())

    def get(self, name: str) -> Conversation:
        """The one of an id, begun if it is not known."""
        now = self._clock.now()
        while self._known:
            oldest, first = next(iter(self._known.items()))
            full = len(self._known) >= MAX_CONVERSATIONS and name not in self._known
            if not full and now - first.used <= FORGET_SECONDS:
                break
            del self._known[oldest]
        found = self._known.setdefault(name, self.new())
        found.used = now
        self._known.move_to_end(name)
        return found
