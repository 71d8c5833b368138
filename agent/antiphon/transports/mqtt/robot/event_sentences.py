"""What the person at a robot is told of a conversation."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES = {
    "Transcript": "You: {text}",
    "ToolCalled": "Understood: {text}.",
    "ReplyFinished": "Antiphon: {text}",
    "Interrupted": "Antiphon: {heard_text}—",
    "Failed": "The agent failed ({error}).",
    "Refused": "The agent refuses this robot: {error}",
}
"""By the name of an event."""


def sentence_of(event: Mapping[str, object]) -> str | None:
    """A sentence about an event; None if nobody needs to know of it."""
    told = {name: event.get(name) or "" for name in ("text", "heard_text", "error")}
    sentence = SENTENCES.get(str(event["event"]))
    return sentence and sentence.format(**told)
