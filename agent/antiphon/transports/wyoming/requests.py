"""What a client asks for, one after the other: to be transcribed, spoken, answered."""

from __future__ import annotations

import asyncio
import queue
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import numpy as np
from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Eventable
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled
from wyoming.tts import SynthesizeStopped

from antiphon.errors import UserError
from antiphon.messages import Turn
from antiphon.runtime.responders.responder import Writer
from antiphon.transports.wyoming.answers import Conversation
from antiphon.transports.wyoming.dictation import Dictation
from antiphon.transports.wyoming.events import RefusedError
from antiphon.transports.wyoming.service import Service

Send = Callable[[Eventable], Awaitable[None]]

MAX_CHUNKS = 64
"""Chunks of sound that wait for the models; then the client has to."""
PUT_SECONDS = 60.0
"""Seconds after which it need not wait any longer."""
MAX_TEXT = 20_000
"""Characters of a text: some twenty minutes of speech."""
MAX_QUESTION = 4_000
"""Characters of a question."""


class Request(ABC):
    """Something a client asks for.

    Args:
        service: what answers.
        send: gives the client an event; returns when it may be given the next one.
    """

    def __init__(self, service: Service, send: Send) -> None:
        self.service, self.send = service, send
        self.cancelled = False
        """Whether nobody waits for it any more; the models ask between two small steps."""

    @abstractmethod
    async def run(self) -> None:
        """Answer it.

        Raises:
            RefusedError: It cannot be done.
        """

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self.cancelled = True


class Transcription(Request):
    """Sound to be transcribed; `put` gives it."""

    def __init__(self, service: Service, send: Send) -> None:
        super().__init__(service, send)
        self._chunks: asyncio.Queue[AudioChunk | None] = asyncio.Queue(MAX_CHUNKS)

    async def put(self, chunk: AudioChunk | None) -> None:
        """The next sound; None: that was all.

        Raises:
            RefusedError: The models do not come to it.
        """
        try:
            await asyncio.wait_for(self._chunks.put(chunk), PUT_SECONDS)
        except asyncio.TimeoutError as error:
            raise RefusedError("This sound cannot be heard in time.", "busy") from error

    async def run(self) -> None:
        """See `Request`."""
        service, texts = self.service, list[str]()
        begin = service.responder, service.detector, service.options.longest_turn
        dictation = await service.run(lambda r, make, most: Dictation(r, make(), most), *begin)
        while (chunk := await self._chunks.get()) is not None:
            await self._tell(texts, await service.run(dictation.feed, chunk))
        await self._tell(texts, await service.run(dictation.finish))
        if not texts:
            await self.send(TranscriptStart())
        await self.send(Transcript(" ".join(texts)))
        await self.send(TranscriptStop())

    async def _tell(self, texts: list[str], new: list[str]) -> None:
        for text in new:
            if not texts:
                await self.send(TranscriptStart())
            await self.send(TranscriptChunk(f" {text}" if texts else text))
            texts.append(text)


class Synthesis(Request):
    """Text to be spoken, which comes piece by piece.

    Args:
        service: what speaks.
        send: see `Request`.
        streamed: whether the client wants to be told when all of it is spoken.
    """

    def __init__(self, service: Service, send: Send, *, streamed: bool) -> None:
        super().__init__(service, send)
        self._streamed, self._length = streamed, 0
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def put(self, text: str | None) -> None:
        """The next piece; None: that was all.

        Raises:
            RefusedError: It is too long.
        """
        self._length += len(text or "")
        if self._length > MAX_TEXT:
            raise RefusedError(f"A text can have {MAX_TEXT} characters.", "text-too-long")
        self._texts.put(text)

    def cancel(self) -> None:
        """See `Request`."""
        super().cancel()
        self._texts.put(None)  # nobody waits for the next piece

    async def run(self) -> None:
        """See `Request`."""
        service = self.service
        rate, begun = service.options.sample_rate, False
        texts = iter(self._texts.get, None)
        say = partial(service.responder.say, texts, cancelled=lambda: self.cancelled)
        async for piece in service.each(say):
            if not begun:
                rate, begun = piece.sample_rate, True
                await self.send(AudioStart(rate, 2, 1))
            pcm = (np.clip(piece.pcm, -1, 1) * 32767).astype("<i2").tobytes()
            if pcm:
                await self.send(AudioChunk(rate, 2, 1, pcm))
        if not begun:
            await self.send(AudioStart(rate, 2, 1))
        await self.send(AudioStop())
        if self._streamed:
            await self.send(SynthesizeStopped())


class Question(Request):
    """A question in writing, answered in writing.

    Args:
        service: what answers.
        send: see `Request`.
        text: of the question.
        name: of the conversation, if it has one.
        conversation: that it belongs to.
    """

    def __init__(
        self,
        service: Service,
        send: Send,
        text: str,
        name: str | None,
        conversation: Conversation,
    ) -> None:
        super().__init__(service, send)
        self._text, self._conversation = text.strip(), conversation
        self._context = {"conversation_id": name} if name else None

    async def run(self) -> None:
        """See `Request`."""
        if not self._text or len(self._text) > MAX_QUESTION:
            most = f"A question can have {MAX_QUESTION} characters."
            await self.send(NotHandled(most if self._text else "Nothing was asked.", self._context))
            return
        async with self._conversation.turn:
            memory = self._conversation.memory
            await self.send(HandledStart(self._context))
            answer = ""
            try:
                async for piece in self._written(memory.context()):
                    answer += piece
                    await self.send(HandledChunk(piece))
            except UserError as error:  # what a person can mend is told to the person
                await self.send(NotHandled(str(error), self._context))
                return
            if self.cancelled:
                return
            memory.add(Turn("user", self._text))
            memory.add(Turn("assistant", answer))
        await self.send(Handled(answer, self._context))
        await self.send(HandledStop())

    async def _written(self, history: tuple[Turn, ...]) -> AsyncIterator[str]:
        """The answer without spaces around it."""
        writer = self.service.responder
        if not isinstance(writer, Writer):
            raise UserError("This agent answers by voice only.")
        write = partial(writer.write, self._text, history, cancelled=lambda: self.cancelled)
        space, begun = "", False
        async for piece in self.service.each(write):
            whole = space + piece if begun else piece.lstrip()
            text = whole.rstrip()
            space = whole[len(text) :]
            if text:
                begun = True
                yield text
