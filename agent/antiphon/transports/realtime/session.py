"""One client of the Realtime API: its events in, ours out; the conversation decides the turns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.events import Event, Transcript
from antiphon.runtime.network.sent_reply import SentReply
from antiphon.runtime.responders.model_choices import Choice
from antiphon.runtime.session.agent_turn import Reason
from antiphon.tools import Call
from antiphon.transports.http.gateway import Gateway
from antiphon.transports.http.sessions import Session
from antiphon.transports.realtime.chosen_models import ChosenModels, choice_of
from antiphon.transports.realtime.function_calls import FunctionCalls
from antiphon.transports.realtime.hearing import hear
from antiphon.transports.realtime.insights import Insights
from antiphon.transports.realtime.out_of_band import OutOfBand
from antiphon.transports.realtime.protocol import client_events as ce
from antiphon.transports.realtime.protocol.config import (
    SessionConfig,
    offered,
    options_of,
    updated,
)
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.formats import PCM_RATE, RATES, decode
from antiphon.transports.realtime.protocol.given_items import item_of
from antiphon.transports.realtime.protocol.items import Item, Items, new_id
from antiphon.transports.realtime.protocol.response import Response
from antiphon.transports.realtime.protocol.sound import AudioPath
from antiphon.transports.realtime.protocol.validation import parse
from antiphon.transports.realtime.replies import Replies
from antiphon.transports.realtime.user_turns import UserTurns

AFTER_SILENCE = "I have said nothing for a while. Ask me one short question."
"""What is answered when the user has said nothing for as long as the client wants to wait."""


class RealtimeSession:
    """Translates between a client and its conversation.

    Args:
        gateway: makes the conversation.
        place: the client's place at the server.
        send: takes the events that are sent.
        audio: takes the sound of replies.
        config: the session as it begins.
        failed: called if the conversation breaks.
    """

    def __init__(
        self,
        gateway: Gateway,
        place: Session,
        send: Callable[[dict[str, Any]], None],
        audio: AudioPath,
        config: SessionConfig,
        failed: Callable[[Exception], None],
    ) -> None:
        self.id, self._conversation_id = new_id("sess"), new_id("conv")
        self.config = config
        self._gateway, self._place, self._out, self._audio = gateway, place, send, audio
        self._items = Items()
        self._calls = FunctionCalls(self.id, self._call, self._start_calls)
        self._driver = gateway.drive(
            self._calls, self, place, rate=PCM_RATE, failed=failed, stepped=self._follow
        )
        self._talk = self._driver.conversation
        self._insights = Insights(self._driver, self._send)
        choices = gateway.host.choices
        self._models = choices and ChosenModels(choices, self._calls, self._tell, self._answered_by)
        self._turns = UserTurns(self._driver, self._items, self._send, self._quiet)
        self._replies = Replies(
            self._driver,
            self._items,
            self._turns,
            self._calls,
            self._send,
            self._new_response,
            self._remember,
        )
        self._out_of_band = OutOfBand(gateway.host.responder, self._items, self._new_response)
        self._hearing: set[asyncio.Task[None]] = set()
        self._sent = 0
        self._configure()
        self._out(self.created())

    def created(self) -> dict[str, Any]:
        """The event that tells who connects what the session is."""
        return self._numbered({"type": "session.created", "session": self._body()})

    def take(self, text: str) -> None:
        """A message of the client; what is wrong with it is told."""
        event_id: str | None = None
        try:
            message = parse(text)
            given = message.get("event_id")
            event_id = given[:512] if isinstance(given, str) else None
            event = ce.event_of(message)
            HANDLERS[event.type](self, event)
            if event.type == "input_audio_buffer.append":
                return  # the driver follows it
        except ApiError as error:
            self.error(error, event_id)
        self._follow()

    def hear(self, pcm: NDArray[np.float32], rate: int) -> None:
        """Sound of a microphone that does not travel in events, [N] samples.

        What finds no room is dropped: such a client cannot be told to wait.
        """
        with suppress(ApiError):
            self._turns.hear(pcm, rate)

    def error(self, error: ApiError, event_id: str | None = None) -> None:
        """Tell the client what it did wrong."""
        self._send({"type": "error", "error": error.body(event_id)})

    def close(self) -> None:
        """The client is gone."""
        for task in self._hearing:
            task.cancel()
        self._replies.close()
        self._out_of_band.close()
        if self._models:
            self._models.close()
        self._calls.close()
        self._driver.close()

    # The client's events

    def _update(self, event: ce.SessionUpdate) -> None:
        self.config = updated(self.config, event.session)
        self._configure()
        self._send({"type": "session.updated", "session": self._body()})

    def _append(self, event: ce.BufferAppend) -> None:
        if not self._audio.in_events:
            raise ApiError(
                "The microphone's track is heard: sound in events is not.", "unsupported"
            )
        form = self.config.audio.input.format.type
        self._turns.hear(decode(event.audio, form, "audio"), RATES[form])

    def _commit(self, event: ce.ClientEvent) -> None:
        self._turns.commit()

    def _clear(self, event: ce.ClientEvent) -> None:
        self._turns.clear()

    def _silence(self, event: ce.ClientEvent) -> None:
        dropped = [self._replies.silence(), *(r.drop() for r in self._out_of_band.responses)]
        if not any(dropped):
            last = self._replies.last
            told = {"response_id": None if last is None else last.id}
            self._send({"type": "output_audio_buffer.cleared", **told})

    def _create_item(self, event: ce.ItemCreate) -> None:
        item, pcm = item_of(event.item, self.config.audio.input.format.type)
        if item.type == "function_call_output":
            call_id, output = item.call_id or "", item.output or ""
            known = any(each.call_id == call_id for each in self._items)
            if not self._replies.give(call_id, output) and not known:
                raise ApiError(
                    f"There is no call {call_id!r}.", "invalid_tool_call_id", "item.call_id"
                )
        before = self._items.add(item, event.previous_item_id)
        for kind in ("added", "done"):
            told = {"previous_item_id": before, "item": item.body()}
            self._send({"type": f"conversation.item.{kind}", **told})
        if pcm is not None:
            task = asyncio.create_task(self._hear(item, pcm))
            self._hearing.add(task)
            task.add_done_callback(self._hearing.discard)
        elif item.type == "message":
            self._remember()

    async def _hear(self, item: Item, pcm: NDArray[np.float32]) -> None:
        """Understand an item that is sound."""
        rate = RATES[self.config.audio.input.format.type]
        item.text = await hear(self._gateway.host.responder, pcm, rate)
        self._remember()

    def _retrieve(self, event: ce.ItemNamed) -> None:
        item = self._items.get(event.item_id)
        self._send({"type": "conversation.item.retrieved", "item": item.body()})

    def _delete(self, event: ce.ItemNamed) -> None:
        if self._replies.where.get("item_id") == event.item_id:
            raise ApiError("It is being said: cancel the response first.", param="item_id")
        self._items.delete(event.item_id)
        self._send({"type": "conversation.item.deleted", "item_id": event.item_id})
        self._remember()

    def _truncate(self, event: ce.ItemTruncate) -> None:
        self._replies.truncate(event)

    def _create_response(self, event: ce.ResponseCreate) -> None:
        asked = event.response or ce.ResponseParams()

        def create() -> None:
            made_by = self._out_of_band if asked.conversation == "none" else self._replies
            made_by.create(asked)

        if not self._hearing:
            create()
            return

        async def later() -> None:
            others = self._hearing - {task}
            await asyncio.gather(*others, return_exceptions=True)
            try:
                create()
            except ApiError as error:
                self.error(error, event.event_id)

        task = asyncio.create_task(later())
        self._hearing.add(task)
        task.add_done_callback(self._hearing.discard)

    def _cancel_response(self, event: ce.ResponseCancel) -> None:
        if not self._out_of_band.cancel(event.response_id):
            self._replies.cancel(event.response_id)

    # What the driver tells

    def on_event(self, event: Event) -> None:
        """Something happened in the conversation."""
        self._place.observe(event)
        where = self._replies.where
        self._turns.event(event)
        self._replies.event(event)
        item = self._turns.item
        self._insights.event(event, where or self._replies.where, item.id if item else None)
        if isinstance(event, Transcript):
            self._start_calls()

    def on_sound(self, reply: SentReply, pcm: NDArray[np.float32]) -> None:
        """More samples of a reply."""
        self._replies.sound(pcm)

    def on_interrupted(self, reply: SentReply, reason: Reason) -> None:
        """A reply was stopped."""
        self._replies.on_interrupted(reply, reason)

    # The rest

    def _configure(self) -> None:
        config = self.config
        self._turns.config = self._replies.config = self._out_of_band.config = config
        self._talk.configure(options_of(config, self._gateway.options))
        self._calls.offer(*offered(config.tools, config.tool_choice))
        self._insights.wanted = config.antiphon.events
        self._remember()
        if self._models and (choices := self._gateway.host.choices):
            self._models.want(choice_of(config, choices.own))

    def _answered_by(self, choice: Choice, reason: str | None) -> None:
        """Other models answer from now on, or could not be had."""
        made, audio = self.config.antiphon, self.config.audio
        update = {"language_model": choice.llm, "hearing": choice.ears}
        output = audio.output.model_copy(update={"voice": choice.voice})
        self.config = self.config.model_copy(
            update={
                "antiphon": made.model_copy(update=update),
                "audio": audio.model_copy(update={"output": output}),
            }
        )
        self._turns.config = self._replies.config = self.config
        self._remember()  # they read what was said so far
        if reason:
            self.error(ApiError(reason, "model_unavailable", "session.antiphon"))
        self._send({"type": "session.updated", "session": self._body()})

    def _body(self) -> dict[str, Any]:
        return {"id": self.id, "object": "realtime.session", **self.config.body()}

    def _remember(self) -> None:
        """The language model remembers what the items say, and is told what the session says."""
        told = self._replies.instructions
        told = self.config.instructions if told is None else told
        self._talk.remember(self._items.turns(), self._items.instructions(told))

    def _new_response(self, items: Items | None, asked: ce.ResponseParams) -> Response:
        return Response(self._send, self._audio, items, self.config, self._conversation_id, asked)

    def _quiet(self) -> bool:
        return self._replies.active is None and self._talk.state == "idle"

    def _call(self, call: Call) -> None:
        self._replies.call(call, json.dumps(call.arguments))

    def _start_calls(self) -> None:
        answering = self._replies.active is not None and self._talk.state != "listening"
        self._calls.start(sure=answering)

    def _follow(self) -> None:
        self._replies.follow()
        self._turns.run_deferred()
        if self._turns.timed_out and self._quiet():
            self._turns.commit_silence()
            self._replies.create(ce.ResponseParams(), AFTER_SILENCE)
        self._insights.follow(self._replies.where, self._driver.reply)

    def _tell(self, event: dict[str, Any]) -> None:
        """Send an event beside OpenAI's, if those are wanted."""
        if self.config.antiphon.events:
            self._send(event)

    def _send(self, event: dict[str, Any]) -> None:
        self._out(self._numbered(event))

    def _numbered(self, event: dict[str, Any]) -> dict[str, Any]:
        self._sent += 1
        return {"event_id": f"event_{self.id[5:]}_{self._sent}", **event}


HANDLERS: dict[str, Callable[[RealtimeSession, Any], None]] = {
    "session.update": RealtimeSession._update,
    "input_audio_buffer.append": RealtimeSession._append,
    "input_audio_buffer.commit": RealtimeSession._commit,
    "input_audio_buffer.clear": RealtimeSession._clear,
    "output_audio_buffer.clear": RealtimeSession._silence,
    "conversation.item.create": RealtimeSession._create_item,
    "conversation.item.retrieve": RealtimeSession._retrieve,
    "conversation.item.delete": RealtimeSession._delete,
    "conversation.item.truncate": RealtimeSession._truncate,
    "response.create": RealtimeSession._create_response,
    "response.cancel": RealtimeSession._cancel_response,
}
