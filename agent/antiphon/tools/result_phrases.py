"""What is said when a call is over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from antiphon.tools.call import Call, Result
from antiphon.tools.tool import Tool, words_of

REQUEST = re.compile(
    r"(?:please |hey |robot |so |can you tell me |tell me |do you know )*"
    r"(?:is|are|was|were|am|do|does|did|has|have|can|could|will|would|if|whether)\b",
    re.I,
)
_PLACE = re.compile(r"\{(\w+)\}")
MAX_CHARACTERS = 400
"""Characters of a result that are read out."""


def reply(tool: Tool, call: Call, result: Result, text: str = "") -> str:
    """A short answer.

    Args:
        tool: that was called.
        call: with which arguments.
        result: what came of it.
        text: what the user had said; a question is answered differently from an order.
    """
    if not result.ok:
        why = (result.error or "").strip().rstrip(".")
        return f"Sorry, that did not work: {why}." if why else "Sorry, that did not work."
    if tool.says is not None and (said := written(tool.says, call, result.value)) is not None:
        return said
    return told(result.value, bool(REQUEST.match(text.strip())))


def ask(call: Call) -> str:
    """What is said when something required is missing."""
    missing = " and the ".join(words_of(name) for name in call.missing)
    return f"Please say the {missing}, too."


def written(pattern: str, call: Call, value: Any) -> str | None:
    """A tool's own sentence; None if the result lacks something it names."""
    known = {**call.arguments, "value": value}
    if isinstance(value, Mapping):
        known |= value
    names = _PLACE.findall(pattern)
    if any(known.get(name) is None for name in names):
        return None
    return _PLACE.sub(lambda m: plain(known[m[1]]), pattern)


def told(value: Any, asked: bool) -> str:
    """A returned value as a sentence."""
    if isinstance(value, bool):
        return ("Yes." if value else "No.") if asked else ("Done." if value else "It was not done.")
    if value is None or value == {} or value == []:
        return "Done."
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(next(iter(value.values())), bool):
            [(name, yes)] = value.items()
            label = words_of(str(name))
            return f"Yes, {label}." if yes else f"No, not {label}."
        said = ", ".join(f"{words_of(str(name))} {plain(v)}" for name, v in value.items())
    else:
        said = plain(value)
    said = " ".join(said.split())[:MAX_CHARACTERS].strip()
    said = said[:1].upper() + said[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."


def plain(value: Any) -> str:
    """A value as words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, Mapping):
        return ", ".join(f"{words_of(str(k))} {plain(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        words = [plain(item) for item in value]
        return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
    return "nothing" if value is None else str(value)
