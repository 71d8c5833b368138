"""The events of a client."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from antiphon.transports.realtime.protocol.config import (
    TAGS,
    FunctionTool,
    MaxTokens,
    Modality,
    ToolChoice,
)
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.validation import Strict, check

MAX_TEXT = 100_000
"""Characters of one text."""
Id = Annotated[str, Field(min_length=1, max_length=64)]


class ClientEvent(Strict):
    """Any of them."""

    type: str
    event_id: Annotated[str, Field(max_length=512)] | None = None


class SessionUpdate(ClientEvent):
    """Change the session."""

    session: dict[str, Any]


class BufferAppend(ClientEvent):
    """Sound of the microphone."""

    audio: str


class Content(Strict):
    """A part of an item that a client brings."""

    type: Literal["input_text", "input_audio", "text", "output_text", "output_audio", "audio"]
    text: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    audio: str | None = None
    transcript: Annotated[str, Field(max_length=MAX_TEXT)] | None = None


class GivenItem(Strict):
    """An item that a client brings."""

    type: Literal["message", "function_call", "function_call_output", "item_reference"]
    id: Id | None = None
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None
    role: Literal["user", "assistant", "system"] | None = None
    content: Annotated[list[Content], Field(max_length=100)] = Field(default_factory=list)
    call_id: Id | None = None
    name: Annotated[str, Field(max_length=64)] | None = None
    arguments: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    output: Annotated[str, Field(max_length=MAX_TEXT)] | None = None


class ItemCreate(ClientEvent):
    """Put an item into the conversation."""

    item: GivenItem
    previous_item_id: str | None = None


class ItemNamed(ClientEvent):
    """Give back an item, or take it out."""

    item_id: str


class ItemTruncate(ClientEvent):
    """Cut an item of the agent where it was heard last."""

    item_id: str
    content_index: Annotated[int, Field(ge=0)]
    audio_end_ms: Annotated[int, Field(ge=0)]


class ResponseAudioOutput(Strict):
    """How one reply is spoken; the session's own format stays."""

    format: dict[str, Any] | None = None
    voice: Any = None


class ResponseAudio(Strict):
    """How one reply sounds."""

    output: ResponseAudioOutput | None = None


class ResponseParams(Strict):
    """What is asked of one reply, other than the session says."""

    conversation: Literal["auto", "none"] = "auto"
    instructions: Annotated[str, Field(max_length=20_000)] | None = None
    output_modalities: Annotated[list[Modality], Field(min_length=1, max_length=1)] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    input: Annotated[list[GivenItem], Field(max_length=200)] | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: MaxTokens | None = None
    audio: ResponseAudio | None = None
    parallel_tool_calls: bool | None = None
    prompt: Any = None
    reasoning: Any = None


class ResponseCreate(ClientEvent):
    """Answer now."""

    response: ResponseParams | None = None


class ResponseCancel(ClientEvent):
    """Stop the reply."""

    response_id: str | None = None


EVENTS: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "input_audio_buffer.append": BufferAppend,
    "input_audio_buffer.commit": ClientEvent,
    "input_audio_buffer.clear": ClientEvent,
    "output_audio_buffer.clear": ClientEvent,
    "conversation.item.create": ItemCreate,
    "conversation.item.retrieve": ItemNamed,
    "conversation.item.delete": ItemNamed,
    "conversation.item.truncate": ItemTruncate,
    "response.create": ResponseCreate,
    "response.cancel": ResponseCancel,
}
"""Every event a client may send, by its type."""


def event_of(message: dict[str, Any]) -> ClientEvent:
    """A message as an event.

    Raises:
        ApiError: It is none, or has a field that is wrong.
    """
    kind = message.get("type")
    if kind is None:
        raise ApiError("Missing required parameter: 'type'.", "missing_required_parameter", "type")
    if not isinstance(kind, str) or kind not in EVENTS:
        raise ApiError(f"There is no event {str(kind)[:80]!r}.", "invalid_value", "type")
    return check(EVENTS[kind], message, "", TAGS)
