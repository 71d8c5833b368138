"""Valid messages with something wrong: what a hostile or broken client sends."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, float("nan"), 2**70, "", "x", "\x00", "é" * 1000, [], {}, [[]],
    {"type": None}, {"type": "message"}, ["audio", "text"], "root", "none", "AAA", "AAAA", "item_1",
)  # fmt: skip
"""Values that take the place of others."""


def damaged(messages: Sequence[dict[str, Any]], seed: int = 0) -> Iterator[str | bytes]:
    """Messages without end, each like one of those given but for what was done to it.

    Args:
        messages: that a client may send.
        seed: of the damage.
    """
    chance = random.Random(seed)
    while True:
        message = json.loads(json.dumps(chance.choice(messages)))
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            change(message, chance)
        text = json.dumps(message)
        kind = chance.random()
        if kind < 0.03:
            yield text[: chance.randrange(len(text) + 1)]
        elif kind < 0.05:
            yield text.encode()
        elif kind < 0.06:
            yield "[" * 10_000 + "]" * 10_000
        elif kind < 0.065:
            yield json.dumps({**message, "padding": "x" * 300_000})
        else:
            yield text


def change(message: dict[str, Any], chance: random.Random) -> None:
    """Change something anywhere in a message."""
    places: list[tuple[Any, Any]] = []

    def visit(value: Any) -> None:
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inner:
            places.append((value, key))
            if isinstance(each, (dict, list)) and each:
                visit(each)

    visit(message)
    if not places:
        return
    value, key = chance.choice(places)
    what = chance.random()
    if what < 0.25:
        del value[key]
    elif what < 0.4 and isinstance(value, dict):
        value[f"{key}x"] = deepcopy(chance.choice(JUNK))
    else:
        value[key] = deepcopy(chance.choice(JUNK))
