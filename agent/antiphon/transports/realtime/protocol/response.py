"""One response while it is made: its items, and its events in the order clients rely on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from antiphon.tools import Call
from antiphon.transports.realtime.protocol.client_events import ResponseParams
from antiphon.transports.realtime.protocol.config import Modality, SessionConfig
from antiphon.transports.realtime.protocol.formats import PCM_RATE, Format
from antiphon.transports.realtime.protocol.items import Item, Items, new_id
from antiphon.transports.realtime.protocol.sound import AudioPath, Sound

Send = Callable[[dict[str, Any]], None]
NewResponse = Callable[[Items | None, ResponseParams], "Response"]
"""Makes a response of the session: its items, and how it was asked for; see `Response`."""
TOKEN_SAMPLES = PCM_RATE // 20
"""Samples of a token of sound: 50 ms, as OpenAI counts."""


class Response:
    """What the agent says at one time, or does.

    Args:
        send: takes the events.
        audio: takes the sound.
        items: of the conversation; None: this response is none of it.
        config: of the session.
        conversation_id: of the conversation.
        asked: how it was asked for; what that does not say is as the session says.
    """

    def __init__(
        self,
        send: Send,
        audio: AudioPath,
        items: Items | None,
        config: SessionConfig,
        conversation_id: str,
        asked: ResponseParams,
    ) -> None:
        self.id = new_id("resp")
        self.items = items
        self.modality: Modality = (asked.output_modalities or config.output_modalities)[0]
        self.max_tokens = asked.max_output_tokens or config.max_output_tokens
        self.full = False
        """Whether there was more to say than it may have tokens."""
        self.message: Item | None = None
        """What is being said or written."""
        self.output: list[Item] = []
        self.failure: str | None = None
        """Why it failed, if it did."""
        self._send, self._config = send, config
        self._conversation_id = conversation_id if items is not None else None
        self._metadata, self.said = asked.metadata, ""
        """Its text so far."""
        self.samples = self._words = 0
        """Of its sound so far, at 24 kHz; and of its text, if it is written."""
        self._audio = audio
        self._sound: Sound | None = None
        send({"type": "response.created", "response": self.body("in_progress")})

    @property
    def output_format(self) -> Format:
        """Of its sound, if it travels in events."""
        return self._config.audio.output.format.type

    def body(self, status: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As it is sent."""
        form = self._config.audio.output.format.model_dump(exclude_none=True)
        voice = self._config.audio.output.voice
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [item.body() for item in self.output],
            "conversation_id": self._conversation_id,
            "output_modalities": [self.modality],
            "max_output_tokens": self.max_tokens,
            "audio": {"output": {"format": form, "voice": voice}},
            "metadata": self._metadata,
            "usage": None,
        }

    # What is said

    def begin_message(self) -> Item:
        """The agent begins to speak or to write."""
        item = Item("message", role="assistant", spoken=self.modality == "audio")
        item.status = "in_progress"
        self._begin(item)
        self._emit("response.content_part.added", part=self._part(""))
        return item

    def sound(self, pcm: Any) -> None:
        """More samples of it, at 24 kHz; what is too much is left out."""
        if self.full:
            return
        if self.max_tokens != "inf":
            left = self.max_tokens * TOKEN_SAMPLES - self.samples
            self.full = len(pcm) > left
            if self.full:
                pcm = pcm[:left] * np.linspace(1, 0, left, dtype=np.float32)
        self.samples += len(pcm)
        if self.message is None:
            self.begin_message()
        self._sound = self._sound or self._audio.open(self)
        self._sound.play(pcm)

    def words(self, text: str) -> None:
        """More of its text; what is too much is left out."""
        if self.modality == "text":
            self._words += max(1, len(text.split()))  # a language model's tokens come one by one
            self.full = self.max_tokens != "inf" and self._words > self.max_tokens
        if self.full:
            return
        if self.message is None:
            self.begin_message()
        self.said += text
        kind = "audio_transcript" if self.modality == "audio" else "text"
        self._emit(f"response.output_{kind}.delta", delta=text)

    def end_message(self, text: str, status: str = "completed") -> None:
        """It is over.

        Args:
            text: all of it, or what was heard of it.
            status: "incomplete" if it was stopped.
        """
        item = self.message
        if item is None:
            return
        item.text, item.status = text, "incomplete" if self.full else status
        if item.spoken:
            if self._sound is not None:
                self._sound.end()
            self._emit("response.output_audio.done")
            self._emit("response.output_audio_transcript.done", transcript=text)
        else:
            self._emit("response.output_text.done", text=text)
        self._emit("response.content_part.done", part=self._part(text))
        self._end(item)
        self.message = None

    def drop(self) -> bool:
        """What the client has not heard of it is not wanted; returns whether there was any."""
        dropped = self._sound is not None and self._sound.drop()
        if dropped:
            self.buffer_event("cleared")
        return dropped

    # What becomes of its sound

    def sound_delta(self, delta: str) -> None:
        """Sound for the client to play, in base64."""
        if delta:
            self._emit("response.output_audio.delta", delta=delta)

    def buffer_event(self, what: str) -> None:
        """What we play of it has begun, has come to its end or was cut.

        Args:
            what: "started", "stopped" or "cleared".
        """
        self._send({"type": f"output_audio_buffer.{what}", "response_id": self.id})

    # What is done

    def call(self, call: Call, arguments: str) -> Item:
        """A function of the client is called."""
        item = Item("function_call", call_id=call.id, name=call.name, arguments=arguments)
        self._begin(item, "in_progress")
        where = {
            "response_id": self.id,
            "item_id": item.id,
            "output_index": len(self.output) - 1,
            "call_id": call.id,
        }
        kind = "response.function_call_arguments"
        self._send({"type": f"{kind}.delta", **where, "delta": arguments})
        done = {"type": f"{kind}.done", **where, "name": call.name, "arguments": arguments}
        self._send(done)
        self._end(item)
        return item

    def finish(self, status: str = "completed", reason: str | None = None) -> None:
        """All of it is over.

        Args:
            status: "completed" or "cancelled", unless it failed or was too long.
            reason: why it was cancelled.
        """
        details: dict[str, Any] | None = None
        if self.failure is not None:
            status = "failed"
            error = {"type": "server_error", "code": "response_failed", "message": self.failure}
            details = {"type": status, "error": error}
        elif self.full:
            status = "incomplete"
            details = {"type": status, "reason": "max_output_tokens"}
        elif reason is not None:
            details = {"type": status, "reason": reason}
        self._send({"type": "response.done", "response": self.body(status, details)})

    # Events

    def _begin(self, item: Item, status: str = "in_progress") -> None:
        index = len(self.output)
        self.output.append(item)
        if item.type == "message":
            self.message = item
        begun = {"response_id": self.id, "output_index": index, "item": item.body(status)}
        self._send({"type": "response.output_item.added", **begun})
        if self.items is not None:
            before = self.items.add(item)
            told = {"previous_item_id": before, "item": item.body(status)}
            self._send({"type": "conversation.item.added", **told})

    def _end(self, item: Item) -> None:
        index = self.output.index(item)
        done = {"response_id": self.id, "output_index": index, "item": item.body()}
        self._send({"type": "response.output_item.done", **done})
        if self.items is not None and item.id in self.items:
            told = {"previous_item_id": self.items.before(item), "item": item.body()}
            self._send({"type": "conversation.item.done", **told})

    def _part(self, text: str) -> dict[str, Any]:
        spoken = self.modality == "audio"
        return {"type": "audio", "transcript": text} if spoken else {"type": "text", "text": text}

    def _emit(self, kind: str, **fields: Any) -> None:
        if self.message is not None:
            where = {
                "response_id": self.id,
                "item_id": self.message.id,
                "output_index": self.output.index(self.message),
                "content_index": 0,
            }
            self._send({"type": kind, **where, **fields})
