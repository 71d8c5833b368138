"""Responses that are none of the conversation (`conversation: "none"`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.messages import Turn
from antiphon.runtime.responders.responder import Responder
from antiphon.transports.realtime.outside import GO_ON, OutsideReply, asked_last, opening
from antiphon.transports.realtime.protocol.client_events import ResponseParams
from antiphon.transports.realtime.protocol.config import SessionConfig, tools_of
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.given_items import item_of
from antiphon.transports.realtime.protocol.items import Item, Items
from antiphon.transports.realtime.protocol.response import NewResponse, Response

MAX_RESPONSES = 4
"""Responses at the same time."""


class OutOfBand:
    """Makes them, each by itself.

    Args:
        responder: answers.
        items: of the conversation, which a response may be asked about.
        new: makes responses.
    """

    def __init__(self, responder: Responder[Any], items: Items, new: NewResponse) -> None:
        self.config = SessionConfig()
        self._responder, self._items, self._new = responder, items, new
        self._replies: list[OutsideReply] = []

    @property
    def responses(self) -> list[Response]:
        """Those that are being made."""
        return [each.response for each in self._replies]

    def create(self, asked: ResponseParams) -> None:
        """Answer something that is none of the conversation.

        Raises:
            ApiError: Too many are being made, or what is asked for makes no sense.
        """
        tools_of(asked.tools or [], "response.tools")
        if len(self._replies) >= MAX_RESPONSES:
            raise ApiError(
                f"{MAX_RESPONSES} responses are being made outside of the conversation: wait.",
                "too_many_responses",
            )
        turns = self._items.turns() if asked.input is None else self._given(asked.input)
        before, question = asked_last(turns)
        prompt = question or asked.instructions or GO_ON
        own = asked.instructions is not None and bool(question)
        told = (asked.instructions or "") if own else self.config.instructions
        response = self._new(None, asked)
        history = opening(before, told)
        made = OutsideReply(response, self._responder, prompt, history, self._over)
        self._replies.append(made)

    def cancel(self, response_id: str | None) -> bool:
        """Stop one of them; returns whether it is there."""
        for each in self._replies:
            if each.response.id == response_id:
                each.cancel()
                return True
        return False

    def close(self) -> None:
        """The client is gone."""
        for each in self._replies:
            each.close()

    def _given(self, given: Sequence[Any]) -> list[Turn]:
        """The turns of items that a client brings for one response."""
        turns = []
        for index, each in enumerate(given):
            param = f"response.input[{index}]"
            if each.type == "item_reference":
                item: Item = self._items.get(each.id or "", f"{param}.id")
            else:
                item, _ = item_of(each, self.config.audio.input.format.type, param)
            if (turn := item.turn()) is not None:
                turns.append(turn)
        return turns

    def _over(self, response: Response, text: str, cancelled: bool) -> None:
        self._replies = [each for each in self._replies if each.response is not response]
        if cancelled:
            response.drop()
        response.end_message(text, "incomplete" if cancelled else "completed")
        reason = "client_cancelled" if cancelled else None
        response.finish("cancelled" if cancelled else "completed", reason)
