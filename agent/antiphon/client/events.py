"""What a client is told: events as small records, and the messages of the server behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Asked:
    """What was understood of the user's turn."""

    text: str
    """The words."""


@dataclass(frozen=True)
class Sound:
    """A piece of the reply."""

    pcm: NDArray[np.float32]
    """[N] mono at the client's `rate_out`."""
    item: str
    """The reply it belongs to."""


@dataclass(frozen=True)
class Words:
    """Words of the reply, a little before they sound."""

    text: str
    """One or more."""
    start_ms: int
    """Of the first, from the reply's first sample."""
    end_ms: int
    """Of the last."""
    item: str
    """The reply they belong to."""


@dataclass(frozen=True)
class Interrupting:
    """The user began to speak: what is left of the reply is not to be played."""


@dataclass(frozen=True)
class Interrupted:
    """A reply was stopped, and this is what the agent takes for heard of it."""

    text: str
    """The words; empty if none was heard."""
    heard_ms: int
    """From the reply's first sample."""
    reason: str
    """What stopped it: speech, stop word, button or command."""
    item: str
    """The reply."""


@dataclass(frozen=True)
class Latency:
    """Where the time went between the user's last word and the first sound of the answer."""

    voice_to_voice_ms: int
    """All of it, at the server."""
    turn_end_ms: int | None
    """Until the turn was taken for over."""
    first_piece_ms: int | None
    """Until the first piece of the answer's sound was made."""


@dataclass(frozen=True)
class Called:
    """The agent calls a function; its answer follows when that has returned."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """A reply is over."""

    text: str
    """What was said of it; empty if nothing was."""


@dataclass(frozen=True)
class Failed:
    """The server could not do what it was asked; the conversation goes on."""

    reason: str
    """One sentence."""


Event = Asked | Sound | Words | Interrupting | Interrupted | Latency | Called | Done | Failed


def understood(message: Mapping[str, Any]) -> Event | None:
    """A message of the server's that needs no other; None: one that this client does not tell."""
    kind = message["type"]
    if kind == "antiphon.words":
        words = message["words"]
        text = " ".join(word["text"].strip() for word in words)
        return Words(text, words[0]["start_ms"], words[-1]["end_ms"], message["item_id"])
    if kind == "antiphon.latency":
        began = message["speech_end_ms"]
        turn_end, piece = (
            None if message[name] is None else message[name] - began
            for name in ("turn_end_ms", "first_piece_ms")
        )
        return Latency(message["voice_to_voice_ms"], turn_end, piece)
    if kind == "antiphon.interrupted":
        heard = message["transcript"], message["heard_ms"]
        return Interrupted(*heard, message["reason"], message.get("item_id", ""))
    if kind == "conversation.item.input_audio_transcription.completed":
        return Asked(message["transcript"])
    if kind == "input_audio_buffer.speech_started":
        return Interrupting()
    return Failed(message["error"]["message"]) if kind == "error" else None
