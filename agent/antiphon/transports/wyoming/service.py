"""What all clients of one server share: the models, their threads, the conversations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from wyoming.info import Info

from antiphon.runtime.options import Options
from antiphon.runtime.responders.responder import Responder
from antiphon.transports.transport import Host
from antiphon.transports.wyoming.answers import Conversations
from antiphon.transports.wyoming.describe import info
from antiphon.transports.wyoming.dictation import Activity

T = TypeVar("T")

MAX_CLIENTS = 32
"""Connections at the same time; each may keep one thread of the models."""


class Service:
    """Shared by all connections.

    Args:
        host: hears, writes and speaks.
        options: of conversations.
        detector: makes what tells whether there is speech in a frame; None: the real one.
    """

    def __init__(
        self,
        host: Host,
        options: Options,
        detector: Callable[[], Callable[[Any], Activity]] | None = None,
    ) -> None:
        self.options = options
        self.responder: Responder[Any] = host.responder
        self.info: Info = info(host.models)
        self.voice, self.llm = host.models.voice, host.models.llm
        self.detector = detector or voice_activity
        self.conversations = Conversations(options.memory_tokens)
        self._threads = ThreadPoolExecutor(MAX_CLIENTS, "wyoming")

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """Do something in a thread of the models."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    async def each(self, begin: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        """What an iterator of the models gives, each piece made when the one before was taken.

        Args:
            begin: makes the iterator, which may be work already.
        """
        pieces = await self.run(begin)
        while (piece := await self.run(next, pieces, None)) is not None:
            yield piece

    def close(self) -> None:
        """No work is begun any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def voice_activity() -> Callable[[Any], Activity]:
    """The detector of conversations."""
    from antiphon.runtime.turns.vad import VoiceActivity

    return VoiceActivity().step
