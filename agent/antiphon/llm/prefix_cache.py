"""Beginnings of prompts that were read already: the system prompt, and a conversation so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

ROOM = 384 << 20
"""Bytes of what is remembered of prompts: about ten conversations with a model of 1.5B."""


class Cache(Protocol):
    """What a model has read."""

    @property
    def nbytes(self) -> int:
        """Bytes of what it remembers."""

    @property
    def divisible(self) -> bool:
        """Whether it holds what was read of its own beginnings, too."""

    def first(self: C, length: int) -> C:
        """What was read of its first tokens."""

    def sealed(self: C) -> C:
        """A copy that nobody appends to, so that threads can share it."""


C = TypeVar("C", bound=Cache)


class Storage(Protocol[C]):
    """Holds the first prompt from one process to the next."""

    def load(self) -> tuple[tuple[int, ...], C] | None:
        """The prompt and what was read of it; None: nothing is held."""

    def save(self, tokens: Sequence[int], cache: C) -> None:
        """Hold a prompt and what was read of it, if that is possible."""


class PrefixCache(Generic[C]):
    """The prompts used last and what was read of them; threads share it.

    Args:
        storage: holds the first prompt, since what every conversation begins with can take
            seconds to read; None: nothing is held.
    """

    def __init__(self, storage: Storage[C] | None = None) -> None:
        self._kept: OrderedDict[tuple[int, ...], C] = OrderedDict()
        self._lock = threading.Lock()
        self._storage = storage
        if storage is not None and (held := storage.load()) is not None:
            self._kept[held[0]] = held[1]

    def longest(self, tokens: Sequence[int]) -> tuple[int, C | None]:
        """How many of the first tokens were read, and a cache that has read them, if any were."""
        wanted = tuple(tokens)
        with self._lock:
            found = max(self._kept, key=lambda known: self._usable(known, wanted), default=())
            length = self._usable(found, wanted)
            if not length:
                return 0, None
            self._kept.move_to_end(found)
            if length == len(wanted):
                self._storage = None  # it holds what is wanted
            return length, self._kept[found].first(length)

    def keep(self, tokens: Sequence[int], cache: C) -> C:
        """Remember what was read of a prompt; a cache of it that threads can share.

        It takes the place of its own beginnings if what they hold is found in it.
        """
        sealed, wanted = cache.sealed(), tuple(tokens)
        with self._lock:
            if sealed.divisible:
                for known in [known for known in self._kept if known == wanted[: len(known)]]:
                    del self._kept[known]
            self._kept[wanted] = sealed
            while len(self._kept) > 1 and sum(c.nbytes for c in self._kept.values()) > ROOM:
                self._kept.popitem(last=False)
            # Only the first prompt is what all begin with.
            storage, self._storage = self._storage, None
        if storage is not None:
            storage.save(tokens, sealed)
        return sealed

    def _usable(self, known: tuple[int, ...], wanted: tuple[int, ...]) -> int:
        """How many of the first tokens wanted were read for a prompt that is kept."""
        length = shared(known, wanted)
        if length < len(known) and not self._kept[known].divisible:
            return 0
        return length


def shared(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two prompts begin with alike."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
