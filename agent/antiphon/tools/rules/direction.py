"""Directions a tool does not have."""

from __future__ import annotations

import re

from antiphon.tools.tool import Tool, words_of

_DIRECTIONS = {
    "forward": "forwards forward ahead onward straight",
    "backward": "backwards backward back reverse rearward",
    "left": "left leftwards leftward anticlockwise counterclockwise",
    "right": "right rightwards rightward clockwise",
    "up": "up upwards upward",
    "down": "down downwards downward",
    "sideways": "sideways sideward diagonally",
}
_OF = {word: name for name, words in _DIRECTIONS.items() for word in words.split()}


def same_direction(word: str) -> frozenset[str]:
    """All words for the direction a word names; none if it names none."""
    return frozenset(_DIRECTIONS[_OF[word]].split()) if word in _OF else frozenset()


def _said(text: str) -> dict[str, str]:
    """Directions in a text, each with its word."""
    lower = re.sub(
        r"\b(?:right (?:now|away)|all right|(?:come|go|get|turn) back on)\b", " ", text.lower()
    )
    return {_OF[word]: word for word in re.findall(r"[a-z]+", lower) if word in _OF}


def impossible(text: str, tool: Tool) -> str | None:
    """What is said if an utterance names a direction that the tool's own words rule out.

    A tool that speaks of some directions has no others; one that speaks of none has all.
    """
    options = " ".join(str(o) for p in tool.parameters for o in p.options)
    about = f"{words_of(tool.name)} {tool.description} {options} " + " ".join(
        f"{words_of(p.name)} {p.description}" for p in tool.parameters
    )
    known, asked = set(_said(about)), _said(text)
    if not known or not any(p.kind in ("number", "integer") for p in tool.parameters):
        return None
    unknown = [word for name, word in asked.items() if name not in known]
    if not unknown:
        return None
    return f"I cannot {words_of(tool.name)} {unknown[0]}."
