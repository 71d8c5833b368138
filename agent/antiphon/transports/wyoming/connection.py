"""One client: reads its events, and answers what it asks for in the order it asks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from wyoming.audio import AudioChunk
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event
from wyoming.ping import Pong

from antiphon.transports.lifecycle import end
from antiphon.transports.wyoming.answers import MAX_ID, Conversation
from antiphon.transports.wyoming.describe import PROGRAM, speaks
from antiphon.transports.wyoming.events import RefusedError, read
from antiphon.transports.wyoming.requests import Question, Request, Synthesis, Transcription
from antiphon.transports.wyoming.service import Service

log = logging.getLogger(__name__)

MAX_REQUESTS = 8
"""Requests of a client that may wait."""
SEND_SECONDS = 30.0
"""Seconds a client may leave what it is sent unread."""


class Connection:
    """A client.

    Args:
        reader: what it sends.
        writer: what it is sent.
        service: what answers.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Service
    ) -> None:
        self._reader, self._writer, self._service = reader, writer, service
        self._requests: asyncio.Queue[Request] = asyncio.Queue(MAX_REQUESTS)
        self._current: Request | None = None
        self._transcription: Transcription | None = None
        self._synthesis: Synthesis | None = None
        self._own: Conversation | None = None
        self._writing = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether something is being answered."""
        return self._current is not None or not self._requests.empty()

    async def run(self) -> None:
        """Serve until the client leaves, or does what cannot be understood."""
        tasks = [asyncio.create_task(each) for each in (self._listen(), self._answer())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            error = next((e for t in tasks if t.done() and (e := t.exception())), None)
            if isinstance(error, RefusedError):
                await self.send(Error(str(error), error.code))
            elif error is not None and not isinstance(error, (OSError, asyncio.TimeoutError)):
                log.error("a client of Wyoming met a mistake", exc_info=error)
                await self.send(Error("This could not be done: see the server's log.", "failed"))
        except (OSError, asyncio.TimeoutError):
            pass  # it is gone, or reads nothing
        finally:
            self._cancel()
            self._writer.close()
            await end(tasks)  # what failed besides is no news

    async def send(self, event: Eventable) -> None:
        """Give the client an event.

        Raises:
            OSError: It is gone.
            asyncio.TimeoutError: It does not read.
        """
        async with self._writing:
            await asyncio.wait_for(async_write_event(event.event(), self._writer), SEND_SECONDS)

    def _cancel(self) -> None:
        """Nobody waits for an answer any more."""
        waiting = [self._requests.get_nowait() for _ in range(self._requests.qsize())]
        for request in (self._current, *waiting):
            if request is not None:
                request.cancel()

    async def _answer(self) -> None:
        while True:
            self._current = await self._requests.get()
            await self._current.run()
            self._current = None

    async def _listen(self) -> None:
        while (event := await self._next()) is not None:
            take = getattr(self, "_on_" + event.type.replace("-", "_"), None)
            if take is not None and "_" not in event.type:  # others may come and mean nothing here
                await take(event)

    async def _next(self) -> Event | None:
        """The next event; None: the client has left, or says nothing though it is its turn."""
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                return await read(self._reader)
            if not self.busy or self._synthesis or self._transcription:
                return None

    def _ask(self, request: Request) -> None:
        if self._requests.full():
            raise RefusedError(f"{MAX_REQUESTS} requests wait already.", "too-many-requests")
        self._requests.put_nowait(request)

    # About the server

    async def _on_describe(self, event: Event) -> None:
        await self.send(self._service.info)

    async def _on_ping(self, event: Event) -> None:
        await self.send(Pong(text_of(event, "text", "")))

    async def _on_select_program(self, event: Event) -> None:
        if text_of(event, "name") != PROGRAM:
            raise RefusedError(f"The only program is '{PROGRAM}'.", "unknown-program")

    # Speech to text

    async def _on_transcribe(self, event: Event) -> None:
        check_language(event.data.get("language"))
        await self._begin_transcription()

    async def _on_audio_start(self, event: Event) -> None:
        if self._transcription is None:
            await self._begin_transcription()

    async def _begin_transcription(self) -> None:
        await self._on_audio_stop(None)
        self._transcription = Transcription(self._service, self.send)
        self._ask(self._transcription)

    async def _on_audio_chunk(self, event: Event) -> None:
        if self._transcription is not None:
            data = event.data
            form = data.get("rate"), data.get("width"), data.get("channels")
            chunk = AudioChunk(*form, event.payload or b"")  # type: ignore[arg-type]
            await self._transcription.put(chunk)

    async def _on_audio_stop(self, event: Event | None) -> None:
        if self._transcription is not None:
            await self._transcription.put(None)
            self._transcription = None

    # Text to speech

    async def _on_synthesize_start(self, event: Event) -> None:
        self._end_synthesis()
        self._begin_synthesis(event, streamed=True)

    async def _on_synthesize_chunk(self, event: Event) -> None:
        if self._synthesis is not None:
            self._synthesis.put(text_of(event, "text"))

    async def _on_synthesize_stop(self, event: Event) -> None:
        self._end_synthesis()

    async def _on_synthesize(self, event: Event) -> None:
        if self._synthesis is None:  # else it repeats what was streamed, for older servers
            synthesis = self._begin_synthesis(event, streamed=False)
            synthesis.put(text_of(event, "text"))
            self._end_synthesis()

    def _begin_synthesis(self, event: Event, *, streamed: bool) -> Synthesis:
        voice = event.data.get("voice") or {}
        if not isinstance(voice, dict):
            raise RefusedError("A voice is an object with a name.")
        check_language(voice.get("language"))
        if voice.get("name") not in (None, self._service.voice):
            raise RefusedError(f"The only voice is '{self._service.voice}'.", "unknown-voice")
        if event.data.get("text_format") not in (None, "text"):
            raise RefusedError("Only plain text can be spoken.", "unknown-text-format")
        self._synthesis = Synthesis(self._service, self.send, streamed=streamed)
        self._ask(self._synthesis)
        return self._synthesis

    def _end_synthesis(self) -> None:
        if self._synthesis is not None:
            self._synthesis.put(None)
            self._synthesis = None

    # Conversation

    async def _on_transcript(self, event: Event) -> None:
        context = event.data.get("context") or {}
        name = context.get("conversation_id") if isinstance(context, dict) else None
        if name is not None and (not isinstance(name, str) or not 0 < len(name) <= MAX_ID):
            raise RefusedError(f"A conversation's id is a text of 1 to {MAX_ID} characters.")
        if name is None:
            talk = self._own = self._own or self._service.conversations.new()
        else:
            talk = self._service.conversations.get(name)
        text = text_of(event, "text")
        self._ask(Question(self._service, self.send, text, name, talk))


def text_of(event: Event, name: str, default: str | None = None) -> str:
    """A text of an event; halves of characters, which JSON can hold, are replaced.

    Raises:
        RefusedError: There is none.
    """
    text = event.data.get(name, default)
    if not isinstance(text, str):
        raise RefusedError(f"'{event.type[:40]}' needs a text called '{name}'.")
    return text.encode("utf-8", "replace").decode()


def check_language(language: Any) -> None:
    """Whether it is spoken here.

    Raises:
        RefusedError: It is not.
    """
    if language is not None and (not isinstance(language, str) or not speaks(language)):
        said = f"{str(language)[:20]!r} is not spoken here: ask in 'en'."
        raise RefusedError(said, "unknown-language")
