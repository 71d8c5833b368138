"""What every client of a face has in common."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from antiphon.errors import UserError

FACES = ("realtime", "xiaozhi", "wyoming", "mqtt")
"""Faces that a client is here for: each has a module of its name with a class `Client`."""
SOAKED = (*FACES, "webrtc")
"""Those that take part in the soak: a call over WebRTC is another way to the face `realtime`."""


def module_of(face: str) -> ModuleType:
    """The module of a face's client.

    Raises:
        UserError: There is none.
    """
    if face not in SOAKED:
        raise UserError(f"There is no face '{face}': choose {', '.join(SOAKED)}.")
    return import_module(f"over_faces.{face}")


Level = tuple[int, float]
"""So many samples of one level."""


@cache
def sixteen_bits(levels: tuple[Level, ...]) -> bytes:
    """Sound as most protocols carry it."""
    parts = [np.full(count, level * 32767, "<i2") for count, level in levels]
    return np.concatenate(parts).tobytes()


class Client(ABC):
    """One conversation over a face, from connecting to leaving.

    Args:
        port: of the server on this machine.
        name: of the client.
    """

    CHUNK: ClassVar[float] = 0.02
    """Seconds of sound that such clients send at once."""

    def __init__(self, port: int, name: str = "client") -> None:
        self.port, self.name = port, name
        self.sounds: list[tuple[float, float]] = []
        """When sound of a reply came, and its seconds."""
        self.answers = 0
        """Replies that came to their end."""
        self.talked = 0.0
        """Seconds of conversation: of the microphone, and of replies while it was closed."""
        self.level = 0.0
        """Of the sound that was sent last."""
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Any:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.leave()

    @abstractmethod
    async def connect(self) -> None:
        """Connect."""

    @abstractmethod
    async def leave(self) -> None:
        """Leave in good order."""

    @abstractmethod
    async def cut(self) -> None:
        """Lose the connection."""

    @abstractmethod
    async def hear(self, seconds: float, level: float, late: float = 0.0) -> None:
        """Send sound of one level; `late` seconds of it still have the level before."""

    def levels(self, count: int, rate: int, level: float, late: float) -> tuple[Level, ...]:
        """The next `count` samples as runs of (samples, level)."""
        before, self.level = self.level, level
        first = round(late * rate)
        return ((first, before), (count - first, level)) if first else ((count, level),)

    def came(self, seconds: float) -> None:
        """Sound of a reply came."""
        self.sounds.append((time.perf_counter(), seconds))

    async def speak(self, seconds: float, level: float) -> None:
        """Send sound of one level as fast as it is spoken."""
        due = time.perf_counter()
        for _ in range(round(seconds / self.CHUNK)):
            await self.hear(self.CHUNK, level)
            due += self.CHUNK
            await asyncio.sleep(due - time.perf_counter())
