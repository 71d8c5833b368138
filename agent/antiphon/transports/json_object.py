"""JSON of strangers: objects, of bounded depth."""

from __future__ import annotations

import json
from typing import Any

MAX_DEPTH = 32
"""Levels of objects and lists."""


def json_object(text: str | bytes) -> dict[str, Any]:
    """The object that a message holds.

    Raises:
        ValueError: It holds none, or one that is nested too deep; the reason completes a sentence
            that begins with the message.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("is no JSON") from error
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [each for of in inner for each in of if isinstance(each, (dict, list))]
        if not level:
            return found
    raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
