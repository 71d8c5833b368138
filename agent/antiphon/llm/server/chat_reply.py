"""A reply in the format of OpenAI's chat completions, from its bytes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from antiphon.llm.server.faults import BROKE_OFF, NO_ANSWER, Fault, failure
from antiphon.llm.server.reasoning import ReasoningFilter

MAX_BYTES = 1 << 20
"""Longest line of a stream, and longest answer that is no stream."""
OTHER_LINES = (b":", b"event:", b"id:", b"retry:")
"""Lines of server-sent events that hold no data."""


class Part(BaseModel):
    """A part of a message that has several."""

    text: str = ""


class Message(BaseModel):
    """A message, or what is added to it."""

    content: str | list[Part] | None = None
    reasoning: Any = None
    reasoning_content: Any = None

    @property
    def text(self) -> str:
        """What is added to the answer."""
        content = self.content or ""
        return content if isinstance(content, str) else "".join(part.text for part in content)


class Choice(BaseModel):
    """One of the answers; only one is asked for."""

    delta: Message | None = None
    """In a stream."""
    message: Message | None = None
    """In an answer that is no stream."""
    finish_reason: str | None = None


class Chunk(BaseModel):
    """One event of a stream, or a whole answer that is no stream."""

    choices: list[Choice] | None = None
    error: Any = None


class ChatReply:
    """A reply while it comes in, streamed (server-sent events) or as one object.

    A server says by what it sends which of the two it is, not by what it calls it.
    """

    def __init__(self) -> None:
        self.begun = self.reasoned = False
        """Whether there was text to speak, and whether there was reasoning."""
        self.finish_reason: str | None = None
        """Why the model stopped; None: it has not."""
        self._done = False
        self._buffer = b""
        self._filter = ReasoningFilter()

    @property
    def complete(self) -> bool:
        """Whether nothing more is to come."""
        return self._done or self.finish_reason is not None

    def feed(self, data: bytes) -> str:
        """What the next bytes add to the text that is spoken.

        Raises:
            Fault: They are no reply.
        """
        self._buffer = (
            (self._buffer + data) if self._buffer else data.lstrip(b"\xef\xbb\xbf\r\n\t ")
        )
        if len(self._buffer) > MAX_BYTES:
            raise Fault(NO_ANSWER)
        if self._buffer.startswith(b"{"):  # one object: it is read at its end
            return ""
        *lines, self._buffer = self._buffer.split(b"\n")
        return self._noted("".join(map(self._line, lines)))

    def finish(self) -> str:
        """The rest of the text, now that no more bytes come."""
        rest = ""
        if self._buffer.startswith(b"{"):
            rest = self._chunk(self._buffer, whole=True)
        elif not self.complete:
            try:
                rest = self._line(self._buffer)
            except Fault as fault:
                raise Fault(BROKE_OFF if self.begun else str(fault)) from fault
        return self._noted(rest + self._filter.finish())

    def require_answer(self) -> None:
        """Complain of a reply that has come to its end.

        Raises:
            Fault: It is not complete, or holds nothing to be spoken.
        """
        if not self.complete:
            raise Fault(BROKE_OFF)
        if self.begun:
            return
        if self.finish_reason == "length" and self.reasoned:
            raise Fault(
                "spent all its tokens on reasoning: turn that off by the setting llm_request, or "
                "choose another model."
            )
        raise Fault(f"answered nothing ({self.finish_reason or 'no reason given'}): ask again.")

    def _line(self, line: bytes) -> str:
        """What a line of a stream adds to the text."""
        line = line.strip()
        if self.complete or not line or line.startswith(OTHER_LINES):
            return ""
        if not line.startswith(b"data:"):
            raise Fault(NO_ANSWER)
        data = line.removeprefix(b"data:").strip()
        self._done = data == b"[DONE]"
        return "" if self._done or not data else self._chunk(data)

    def _chunk(self, data: bytes, *, whole: bool = False) -> str:
        """What an object adds to the text."""
        try:
            chunk = Chunk.model_validate_json(data)
        except ValidationError as error:
            raise Fault(BROKE_OFF if "EOF while parsing" in str(error) else NO_ANSWER) from error
        if chunk.error is not None:
            raise failure(chunk.error)
        if not chunk.choices:
            if whole:
                raise Fault(NO_ANSWER)
            return ""
        choice = chunk.choices[0]
        message = choice.delta or choice.message or Message()
        self.finish_reason = choice.finish_reason or ("stop" if whole else None)
        text = self._filter.feed(message.text)
        self.reasoned |= bool(message.reasoning or message.reasoning_content) or self._filter.found
        return text

    def _noted(self, text: str) -> str:
        self.begun |= bool(text.strip())
        return text
