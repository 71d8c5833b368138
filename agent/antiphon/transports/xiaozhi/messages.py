"""What a device says, read with care: messages are JSON objects with a type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from antiphon.transports.json_object import json_object
from antiphon.transports.xiaozhi.framing import VERSIONS, MalformedError, Version

MAX_TEXT = 2**16
"""Characters of a message."""
FRAMES_MS = (20, 40, 60)
"""Milliseconds of a packet that a device may be sent."""

Mode = Literal["auto", "manual", "realtime"]
MODES: tuple[Mode, ...] = ("auto", "manual", "realtime")


@dataclass(frozen=True)
class Hello:
    """How a device introduces itself."""

    version: Version
    """Of the binary frames."""
    frame_ms: int
    """Milliseconds of a packet."""
    tools: bool
    """Whether it has tools (MCP)."""
    echo: bool
    """Whether its microphone holds what it plays, for the server to remove."""


@dataclass(frozen=True)
class Listen:
    """The microphone opens or closes, or a wake word was heard."""

    state: Literal["start", "stop", "detect"]
    mode: Mode = "auto"
    text: str = ""
    """The wake word."""


def parse(text: str | bytes) -> dict[str, Any]:
    """A message.

    Raises:
        MalformedError: It is none.
    """
    if len(text) > MAX_TEXT:
        raise MalformedError(f"a message has at most {MAX_TEXT} characters")
    try:
        found = json_object(text)
    except ValueError as error:
        raise MalformedError(f"a message {error}") from error
    if not isinstance(found.get("type"), str):
        raise MalformedError("a message has no type")
    return found


def hello(message: Mapping[str, Any], told: str | None = None) -> Hello:
    """How a device introduces itself.

    Args:
        message: its first one.
        told: the version its request named, if the message names none.

    Raises:
        MalformedError: It does not, or speaks what is not spoken here.
    """
    if message["type"] != "hello":
        raise MalformedError("a device has to say hello first")
    if message.get("transport", "websocket") != "websocket":
        raise MalformedError("only the transport websocket is served")
    version = message.get("version", int(told) if told and told.isdecimal() else 1)
    if isinstance(version, bool) or version not in VERSIONS:
        raise MalformedError(f"the protocol has no version {str(version)[:20]}")
    sound, features = fields(message, "audio_params"), fields(message, "features")
    if sound.get("format", "opus") != "opus" or sound.get("channels", 1) != 1:
        raise MalformedError("sound has to be Opus of one channel")
    frame = sound.get("frame_duration", 60)
    frame = frame if isinstance(frame, int) and frame in FRAMES_MS else 60
    switches = features.get("mcp") is True, features.get("aec") is True
    return Hello(cast(Version, version), frame, *switches)


def listen(message: Mapping[str, Any]) -> Listen:
    """What the microphone does.

    Raises:
        MalformedError: That cannot be.
    """
    state, mode, text = message.get("state"), message.get("mode", "auto"), message.get("text", "")
    if state not in ("start", "stop", "detect"):
        raise MalformedError(f"a microphone cannot {str(state)[:20]!r}")
    if mode not in MODES:
        raise MalformedError(f"there is no way to listen called {str(mode)[:20]!r}")
    if not isinstance(text, str):
        raise MalformedError("a wake word is a text")
    clean = text.encode("utf-8", "replace").decode()  # half a character is none
    return Listen(cast(Any, state), cast(Mode, mode), " ".join(clean.split())[:1000])


def fields(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in a message; an empty one if there is none.

    Raises:
        MalformedError: It is something else.
    """
    found = message.get(name)
    if found is not None and not isinstance(found, dict):
        raise MalformedError(f"'{name}' has to be an object")
    return found or {}
