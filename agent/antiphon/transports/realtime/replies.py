"""The agent's side: responses, from the question for one to the last word that was heard of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime import events
from antiphon.runtime.events import Event
from antiphon.runtime.network.driver import Driver
from antiphon.runtime.network.sent_reply import SentReply
from antiphon.transports.realtime.function_calls import FunctionCalls
from antiphon.transports.realtime.outside import GO_ON, OutsideReply, asked_last, opening
from antiphon.transports.realtime.protocol.client_events import ItemTruncate, ResponseParams
from antiphon.transports.realtime.protocol.config import SessionConfig, offered
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.formats import PCM_RATE
from antiphon.transports.realtime.protocol.items import Items
from antiphon.transports.realtime.protocol.response import NewResponse, Response
from antiphon.transports.realtime.user_turns import UserTurns


class Replies:
    """At most one response of the conversation at a time.

    Args:
        driver: of the conversation.
        items: of the conversation.
        turns: of the user.
        calls: of the client's functions.
        send: takes the events.
        new: makes responses.
        changed: called when items say something else than the language model remembers.
    """

    def __init__(
        self,
        driver: Driver,
        items: Items,
        turns: UserTurns,
        calls: FunctionCalls,
        send: Callable[[dict[str, Any]], None],
        new: NewResponse,
        changed: Callable[[], None],
    ) -> None:
        self.config = SessionConfig()
        self.active: Response | None = None
        """The response of the conversation that is being made."""
        self.instructions: str | None = None
        """What the language model is told for this response."""
        self._driver, self._talk, self._items = driver, driver.conversation, items
        self._turns, self._calls, self._send = turns, calls, send
        self._new_response, self._changed = new, changed
        self.last: Response | None = None
        """The response that was made last."""
        self._thought = False
        """Whether the active response was being made when it was looked at last."""
        self._to_write = False
        """Whether the active response is written once the user's turn is understood."""
        self._writing: OutsideReply | None = None
        self._prompt = GO_ON
        self._owed = 0
        """Answers that were said already when they were asked for."""

    @property
    def where(self) -> dict[str, Any]:
        """The response and the item that are being said."""
        if self.active is None or self.active.message is None:
            return {}
        return {"response_id": self.active.id, "item_id": self.active.message.id}

    # What the client asks for

    def create(self, asked: ResponseParams, prompt: str = GO_ON) -> None:
        """Answer now.

        Args:
            asked: how.
            prompt: what is answered if the user has left nothing to be answered.

        Raises:
            ApiError: A response is being made, or what is asked for makes no sense.
        """
        tools = self.config.tools if asked.tools is None else asked.tools
        named = asked.tools is not None or asked.tool_choice is not None
        offer = offered(tools, asked.tool_choice or "auto", "response") if named else None
        if asked.input is not None:
            raise ApiError(
                'Only responses outside of the conversation have an input: set "conversation" to '
                '"none".',
                "invalid_value",
                "response.input",
            )
        if self.active is not None:
            raise ApiError(
                f"Conversation already has an active response: {self.active.id}.",
                "conversation_already_has_active_response",
            )
        self._calls.offer_once(offer)
        if asked.instructions is not None:
            self.instructions = asked.instructions
            self._changed()
        self._prompt = asked.instructions or prompt
        self.active = active = self._new(asked)
        if self._owed:
            self._owed = 0
            self._finish()
            return
        late = self._calls.speak()
        if late is not None:
            if self._writing is not None:
                self._writing.response = active
            for sentence in late:
                self._talk.say(sentence)
            self._driver.wake()
        elif active.modality == "text":
            self._to_write = True
            self._write_if_understood()
        else:
            self._driver.then(lambda: self._talk.respond(self._prompt))

    def cancel(self, response_id: str | None) -> None:
        """Stop a response.

        Raises:
            ApiError: There is none.
        """
        active = self.active
        if active is None or response_id not in (None, active.id):
            raise ApiError(
                "Cancellation failed: no active response found.", "response_cancel_not_active"
            )
        self._stop("client_cancelled")

    def silence(self) -> bool:
        """Drop what the client has not heard; returns whether it was told of it."""
        last = self.active or self.last
        dropped = last is not None and last.drop()
        if self.active is not None:
            self._stop("client_cancelled")
        return dropped

    def truncate(self, event: ItemTruncate) -> None:
        """Cut what was said where it was heard last.

        Raises:
            ApiError: There is nothing to cut there.
        """
        item = self._items.get(event.item_id)
        reply = item.reply
        if item.role != "assistant" or reply is None:
            raise ApiError("Only what was spoken can be truncated.", "invalid_value", "item_id")
        if event.content_index != 0:
            raise ApiError("The item has one content, 0.", "invalid_value", "content_index")
        if event.audio_end_ms > reply.duration_ms:
            raise ApiError(
                f"Audio content of {reply.duration_ms} ms is already shorter than "
                f"{event.audio_end_ms} ms.",
                "invalid_value",
                "audio_end_ms",
            )
        samples = event.audio_end_ms * PCM_RATE // 1000
        if self.active is not None and self.active.message is item:
            self._driver.truncate(reply, samples)
        else:
            item.text, item.remembered = reply.heard_text(samples), reply.remembered(samples)
            self._changed()
        self._send(
            {
                "type": "conversation.item.truncated",
                "item_id": item.id,
                "content_index": 0,
                "audio_end_ms": event.audio_end_ms,
            }
        )

    def give(self, call_id: str, output: str) -> bool:
        """A client gives the result of a function; returns whether it was asked for."""
        given = self._calls.give(call_id, output)
        if given and self.active is not None and self._calls.speak() is not None:
            self._owed += 1  # the reply goes on by itself
        return given

    def close(self) -> None:
        """The client is gone."""
        if self._writing is not None:
            self._writing.close()

    # What the conversation does

    def event(self, event: Event) -> None:
        """Follow an event of the conversation."""
        if isinstance(event, events.Transcript):
            self._transcribed(event)
        elif isinstance(event, events.SpeechStarted):
            if self._writing is not None and self._interrupts:
                self._writing.cancel()
        elif isinstance(event, events.ReplyStarted):
            self._started()
        elif isinstance(event, events.ReplyText) and self.active is not None:
            first = self.active.message is None or not self.active.said
            self.active.words(event.text if first else f" {event.text}")
        elif isinstance(event, events.ReplyFinished):
            self._ended(event.text.strip(), None)
        elif isinstance(event, events.Interrupted):
            reason = "client_cancelled" if event.reason == "command" else "turn_detected"
            self._ended(event.heard_text, reason)
        elif isinstance(event, events.Failed) and event.stage == "reply":
            self._turns.failed(event.error)
            if self.active is not None:
                self.active.failure = event.error

    def sound(self, pcm: NDArray[np.float32]) -> None:
        """More samples of the reply."""
        if self.active is not None:
            self.active.sound(pcm)

    def follow(self) -> None:
        """Look whether a reply is long enough, or the user takes the turn back before it began."""
        active, state = self.active, self._talk.state
        if active is not None and active.full and active.message and active.message.reply:
            self._driver.truncate(active.message.reply, active.samples)
        if active is None or active.message is not None or self._writing or self._to_write:
            self._thought = False
        elif state == "thinking":
            self._thought = True
        elif state == "listening" and self._thought:
            self._thought = False
            self._turns.speech_resumed(self._talk.at)
            self._finish("cancelled", "turn_detected")

    def call(self, call: Any, arguments: str) -> None:
        """A function of the client is called."""
        active = self.active or self._new()
        active.call(call, arguments)
        if active.message is None:
            self.active = active
            self._finish()

    @property
    def _interrupts(self) -> bool:
        vad = self.config.audio.input.turn_detection
        return vad is not None and vad.interrupt_response

    def _transcribed(self, event: events.Transcript) -> None:
        vad = self.config.audio.input.turn_detection
        answered = bool(event.text) or event.doubt not in (None, "no speech")
        if self._to_write:
            self._write_if_understood()
        elif self.active is not None or not answered or vad is None or not vad.create_response:
            return
        elif self.config.type == "realtime":
            self.active = self._new()
            if self.active.modality == "text":
                self._to_write = True
                self._write_if_understood()
            elif self._turns.item is not None:
                self._turns.item.remembered = ""  # the conversation adds it when the reply begins

    def _started(self) -> None:
        self.active = self.active or self._new()
        self._remember_question()
        item = self.active.begin_message()
        item.reply = self._driver.reply

    def _remember_question(self) -> bool:
        """The user's turn is remembered by the conversation; returns whether it was not yet."""
        item = self._turns.item
        if item is None or item.remembered is None:
            return False
        item.remembered = None
        return True

    def _ended(self, text: str, reason: str | None) -> None:
        """The reply of the conversation is over."""
        active = self.active
        if active is None:
            return
        message = active.message
        if message is not None:
            history = self._talk.history
            message.remembered = history[-1].text if history else None
            active.end_message(text, "completed" if reason is None else "incomplete")
        self._finish("completed" if reason is None else "cancelled", reason)
        # the conversation put the reply behind what was written meanwhile
        behind = message is not None and self._items.last() != message.id
        if behind or (message is None and self._remember_question()):
            self._changed()

    # The rest

    def _new(self, asked: ResponseParams | None = None) -> Response:
        return self._new_response(self._items, asked or ResponseParams())

    def _finish(self, status: str = "completed", reason: str | None = None) -> None:
        active, self.active = self.active, None
        self._to_write, self._thought = False, False
        self._calls.offer_once(None)
        if active is not None:
            self.last = active
            active.finish(status, reason)
        if self.instructions is not None:
            self.instructions = None
            self._changed()

    def _stop(self, reason: str) -> None:
        """Stop the active response."""
        active = self.active
        if self._writing is not None:
            self._writing.cancel()
            return
        self._driver.stop()
        if active is not None and active.message is None:
            self._finish("cancelled", reason)
            if self._remember_question():
                self._changed()

    def _write_if_understood(self) -> None:
        """Begin to write, if what the user said is known."""
        if self.active is None or self._turns.pending:
            return
        self._to_write = False
        before, asked = asked_last(self._items.turns())
        told = self._items.instructions(self.instructions or self.config.instructions)
        prompt = asked or self.instructions or self._prompt
        history = opening(before, told)
        responder = self._talk.responder
        self._writing = OutsideReply(self.active, responder, prompt, history, self._written)

    def _written(self, response: Response, text: str, cancelled: bool) -> None:
        self._writing = None
        response.end_message(text, "incomplete" if cancelled else "completed")
        if self.active is response:
            self._finish(*(("cancelled", "turn_detected") if cancelled else ("completed",)))
        self._changed()

    def on_interrupted(self, reply: SentReply, reason: str) -> None:
        """A reply was stopped: nothing more of it is to be heard; tell who did it."""
        if self.active is not None and not self.active.full:
            self.active.drop()
        if reason in ("speech", "stop word"):
            self._turns.speech_started(self._talk.at)
