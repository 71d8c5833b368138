"""Beginnings of prompts that were read already: the system prompt, and a conversation so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from antiphon.llm.cpu.decoder import Buffer, Cache

ROOM = 384 << 20
"""Bytes of what is remembered of prompts: about ten conversations with a model of 1.5B."""


class PrefixCache:
    """The prompts used last and what was read of them; threads share it.

    Args:
        file: holds the first prompt from one process to the next, since what every conversation
            begins with can take seconds to read; None: nothing is held.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._kept: OrderedDict[tuple[int, ...], Cache] = OrderedDict()
        self._lock = threading.Lock()
        self._file = file
        if file is not None and file.exists():
            with suppress(OSError, SafetensorError, KeyError):
                held = load_file(file)
                tokens = tuple(held["tokens"].tolist())
                buffer = Buffer(held["keys"], held["values"], len(tokens))
                self._kept[tokens] = Cache(buffer, len(tokens))

    def longest(self, tokens: Sequence[int]) -> tuple[int, Cache | None]:
        """How many of the first tokens were read, and a cache that has read them, if any were."""
        wanted = tuple(tokens)
        with self._lock:
            found = max(self._kept, key=lambda known: shared(known, wanted), default=())
            length = shared(found, wanted)
            if not length:
                return 0, None
            self._kept.move_to_end(found)
            if length == len(wanted):
                self._file = None  # it holds what is wanted
            return length, Cache(self._kept[found].buffer, length)

    def keep(self, tokens: Sequence[int], cache: Cache) -> Cache:
        """Remember what was read of a prompt; a cache of it that threads can share.

        It takes the place of its own beginnings: what they hold is found in it.
        """
        sealed, wanted = cache.sealed(), tuple(tokens)
        with self._lock:
            for known in [known for known in self._kept if known == wanted[: len(known)]]:
                del self._kept[known]
            self._kept[wanted] = sealed
            while len(self._kept) > 1 and sum(map(size, self._kept.values())) > ROOM:
                self._kept.popitem(last=False)
            file, self._file = self._file, None  # only the first prompt is what all begin with
        if file is not None:
            hold(file, tokens, sealed)
        return sealed


def hold(file: Path, tokens: Sequence[int], cache: Cache) -> None:
    """Write a prompt and what was read of it; a disk that is full is no reason to stop."""
    part = file.with_suffix(".part")
    state = {"keys": cache.buffer.keys, "values": cache.buffer.values}
    with suppress(OSError, SafetensorError):
        save_file(state | {"tokens": torch.tensor(list(tokens))}, part)
        part.replace(file)


def size(cache: Cache) -> int:
    """Bytes of what it remembers."""
    return cache.buffer.keys.nbytes + cache.buffer.values.nbytes


def shared(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two prompts begin with alike."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
