"""Beginnings of prompts that were read already: the system prompt, and a conversation so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from antiphon.llm.cpu_decoder import Cache

KEPT = 4
"""Prompts that are remembered."""


class PrefixCache:
    """The newest prompts and what was read of them; threads share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, ...], Cache] = OrderedDict()
        self._lock = threading.Lock()

    def longest(self, tokens: Sequence[int]) -> tuple[int, Cache | None]:
        """How many of the first tokens were read, and a cache that has read them, if any were."""
        wanted = tuple(tokens)
        with self._lock:
            found = max(self._kept, key=lambda known: shared(known, wanted), default=())
            length = shared(found, wanted)
            if not length:
                return 0, None
            self._kept.move_to_end(found)
            return length, Cache(self._kept[found].buffer, length, length)

    def keep(self, tokens: Sequence[int], cache: Cache) -> Cache:
        """Remember what was read of a prompt; a cache of it that threads can share."""
        sealed = cache.sealed()
        with self._lock:
            self._kept[tuple(tokens)] = sealed
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return sealed


def shared(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two prompts begin with alike."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
