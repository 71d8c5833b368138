"""The items of a conversation: who said what, in order, and what is remembered of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from antiphon.messages import Turn
from antiphon.runtime.network.sent_reply import SentReply
from antiphon.transports.realtime.protocol.errors import ApiError

MAX_ITEMS = 2000
"""Items that are kept; of more, the oldest are given up."""


def new_id(kind: str) -> str:
    """An id that nothing else has."""
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass(eq=False)
class Item:
    """A message, a function call, or what came of one."""

    type: Literal["message", "function_call", "function_call_output"]
    id: str = field(default_factory=lambda: new_id("item"))
    status: str = "completed"
    role: Literal["user", "assistant", "system"] | None = None
    text: str | None = None
    """What was said or written; None: not known yet."""
    spoken: bool = False
    """Whether it is sound."""
    remembered: str | None = None
    """What the language model remembers of it, if other than the text."""
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | None = None
    reply: SentReply | None = None
    """What was sent of it."""

    @property
    def content(self) -> list[dict[str, Any]]:
        """Its parts as they are sent."""
        if self.spoken:
            kind = "output_audio" if self.role == "assistant" else "input_audio"
            return [{"type": kind, "transcript": self.text}]
        kind = "output_text" if self.role == "assistant" else "input_text"
        return [] if self.text is None else [{"type": kind, "text": self.text}]

    def body(self, status: str | None = None) -> dict[str, Any]:
        """As it is sent."""
        body = {"id": self.id, "object": "realtime.item", "type": self.type}
        made: dict[str, Any] = {**body, "status": status or self.status}
        if self.type == "message":
            return {**made, "role": self.role, "content": [] if status else self.content}
        if self.type == "function_call":
            arguments = "" if status else self.arguments
            return {**made, "call_id": self.call_id, "name": self.name, "arguments": arguments}
        return {**made, "call_id": self.call_id, "output": self.output}

    def turn(self) -> Turn | None:
        """What the language model is to remember of it."""
        said = self.text if self.remembered is None else self.remembered
        if self.type != "message" or self.role in (None, "system") or not said:
            return None
        return Turn("user" if self.role == "user" else "assistant", said)


class Items:
    """All of them, in order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def __iter__(self) -> Iterator[Item]:
        """In order."""
        return iter(self._items.values())

    def __contains__(self, name: str) -> bool:
        """Whether there is an item of that id."""
        return name in self._items

    def get(self, name: str, param: str = "item_id") -> Item:
        """An item by its id.

        Raises:
            ApiError: There is none.
        """
        if name not in self._items:
            raise ApiError(f"There is no item {name[:80]!r}.", "item_not_found", param)
        return self._items[name]

    def last(self) -> str | None:
        """The id of the last item, if there is one."""
        return next(reversed(self._items), None)

    def before(self, item: Item) -> str | None:
        """The id of the item in front of another."""
        found: str | None = None
        for name in self._items:
            if name == item.id:
                break
            found = name
        return found

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put an item at the end, or behind another one; "root" is the beginning.

        Returns:
            The id of the item before it.

        Raises:
            ApiError: There is no item to put it behind, or one with its id already.
        """
        if item.id in self._items:
            raise ApiError(f"There is an item {item.id!r} already.", "invalid_value", "item.id")
        if after is None:
            before = self.last()
            self._items[item.id] = item
            while len(self._items) > MAX_ITEMS:
                del self._items[next(iter(self._items))]
            return before
        if after != "root":
            self.get(after, "previous_item_id")
        others = list(self._items.values())
        at = 0 if after == "root" else 1 + next(i for i, o in enumerate(others) if o.id == after)
        others.insert(at, item)
        self._items = {each.id: each for each in others}
        return None if at == 0 else after

    def delete(self, name: str) -> Item:
        """Take an item out.

        Raises:
            ApiError: There is none.
        """
        item = self.get(name)
        del self._items[name]
        return item

    def turns(self) -> list[Turn]:
        """What the language model is to remember."""
        return [turn for item in self for turn in [item.turn()] if turn is not None]

    def instructions(self, session: str) -> str:
        """What the language model is told: by the session, and by items of the system."""
        told = [item.text for item in self if item.role == "system" and item.text]
        return " ".join(filter(None, [session, *told]))
