"""Replies outside the flow of speech: written ones, and those that are none of the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from antiphon.messages import Speech, Turn
from antiphon.runtime.audio.resampling import Resampler
from antiphon.runtime.responders.responder import Responder, Writer, WrittenTurn
from antiphon.runtime.session.heard_words import SampleRanges, SpokenWords
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.formats import PCM_RATE
from antiphon.transports.realtime.protocol.response import Response

GO_ON = "Please go on."
"""What is answered if an answer is asked for and there is nothing to answer."""
MOST_TURNS = 20
"""Turns before a question that a written answer is made with."""
T = TypeVar("T")
END: Any = object()


async def made(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """What an iterator gives in a thread of its own."""
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="antiphon-reply")
    try:
        iterator = await loop.run_in_executor(thread, make)
        while (piece := await loop.run_in_executor(thread, next, iterator, END)) is not END:
            yield piece
    finally:
        thread.shutdown(wait=False)


def opening(history: Sequence[Turn], instructions: str) -> tuple[Turn, ...]:
    """A history with what the language model is told before it."""
    return (*([Turn("system", instructions)] if instructions else []), *history)


def asked_last(turns: Sequence[Turn]) -> tuple[list[Turn], str]:
    """What the user asked last, and the newest `MOST_TURNS` turns before it."""
    end = len(turns)
    while end and turns[end - 1].role == "user":
        end -= 1
    asked = " ".join(turn.text for turn in turns[end:])
    return list(turns[max(0, end - MOST_TURNS) : end]), asked


class OutsideReply:
    """Makes one reply beside the conversation.

    Args:
        response: takes what is said or written.
        responder: makes it.
        asked: what is answered.
        history: what was said before.
        done: called with the text and whether it was cancelled, when it is over.
    """

    def __init__(
        self,
        response: Response,
        responder: Responder[Any],
        asked: str,
        history: Sequence[Turn],
        done: Callable[[Response, str, bool], None],
    ) -> None:
        if response.modality == "text" and not isinstance(responder, Writer):
            raise ApiError("This server's models do not write.", "unsupported", "response")
        self.response = response
        self._responder, self._asked, self._history = responder, asked, history
        self._done, self._stop, self._text = done, False, ""
        self._task = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """Stop it; `done` is called soon."""
        self._stop = True

    def close(self) -> None:
        """Nobody wants it any more."""
        self._stop = True
        self._task.cancel()

    async def _run(self) -> None:
        try:
            if self.response.modality == "text":
                await self._write()
            else:
                await self._speak()
        except Exception as error:
            self.response.failure = f"{type(error).__name__}: {error}"[:500]
        self._done(self.response, self._text.strip(), self._stop)

    async def _write(self) -> None:
        responder = self._responder
        assert isinstance(responder, Writer)

        def write() -> Iterator[str]:
            return iter(responder.write(self._asked, self._history, cancelled=lambda: self._stop))

        async for piece in made(write):
            if self._stop:
                break
            if piece:
                self.response.words(piece)
                if self.response.full:
                    break
                self._text += piece

    async def _speak(self) -> None:
        resample: Resampler | None = None

        def speak() -> Iterator[Speech]:
            return self._responder.respond(
                WrittenTurn(self._asked), self._history, cancelled=lambda: self._stop, seed=0
            )

        script = SpokenWords()
        async for piece in made(speak):
            if self._stop:
                break
            resample = resample or Resampler(piece.sample_rate, PCM_RATE)
            script.add(piece)
            if more := script.text[len(self._text) :]:
                self._text = script.text
                self.response.words(more)
            self.response.sound(resample(piece.pcm))
            if self.response.full:
                until = self.response.samples * piece.sample_rate // PCM_RATE
                self._text = script.heard(SampleRanges(until))
                return
        if resample is not None:
            self.response.sound(resample.flush())
