"""What is said in JSON: one record a topic, checked against the schemas in `schemas/`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal, TypeVar

from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.schema import fault

MAX_BYTES = 64 * 1024
"""Bytes; a larger message is not looked at."""
MAX_CALLS = 16
"""Calls of one robot that may wait for their results at the same time."""


@dataclass(frozen=True)
class Message:
    """What all have in common. Fields are described in the schema named by `kind`."""

    kind: ClassVar[str]

    def body(self) -> bytes:
        """The message as JSON; fields that are None are left out."""
        fields = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(fields, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Status(Message):
    """Whether a robot or the server is online."""

    kind: ClassVar[str] = "status"
    state: Literal["online", "offline"]
    session: int
    version: str | None = None


@dataclass(frozen=True)
class Hello(Message):
    """What a robot is able to do."""

    kind: ClassVar[str] = "hello"
    session: int
    audio_in: str
    audio_out: str
    framing: Literal["properties", "header"] = "properties"
    tools: list[dict[str, Any]] = field(default_factory=list)
    protocol: int = 1


@dataclass(frozen=True)
class State(Message):
    """What the agent does for a robot just now."""

    kind: ClassVar[str] = "state"
    state: Literal["idle", "listening", "thinking", "speaking"]
    session: int
    stream: int
    generation: int
    muted: bool
    sent: int
    audio_in: str
    audio_out: str


@dataclass(frozen=True)
class Heard(Message):
    """How far the robot's listener is."""

    kind: ClassVar[str] = "heard"
    stream: int
    generation: int
    samples: int
    start: int | None = None


@dataclass(frozen=True)
class Cmd(Message):
    """What a robot or its owner asks for."""

    kind: ClassVar[str] = "cmd"
    cmd: Literal["say", "stop", "mute", "unmute", "press", "release", "reset"]
    text: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Stop(Message):
    """Stop sound and motion."""

    kind: ClassVar[str] = "stop"
    reason: str | None = None
    generation: int | None = None
    stream: int | None = None


@dataclass(frozen=True)
class Call(Message):
    """Use a tool."""

    kind: ClassVar[str] = "call"
    call: str
    stream: int
    arguments: dict[str, Any]
    sent: int
    expires: int


@dataclass(frozen=True)
class Result(Message):
    """What came of a call."""

    kind: ClassVar[str] = "result"
    call: str
    session: int
    ok: bool
    value: Any = None
    error: str | None = None


@dataclass(frozen=True)
class Metrics(Message):
    """How the stream did."""

    kind: ClassVar[str] = "metrics"
    stream: int
    received: int
    late: int
    malformed: int
    filled: int
    sent: int


M = TypeVar("M", bound=Message)


@cache
def schema(kind: str) -> Mapping[str, Any]:
    """The JSON Schema of a kind of message."""
    found = resources.files(__package__) / "schemas" / f"{kind}.json"
    loaded: Mapping[str, Any] = json.loads(found.read_text("utf-8"))
    return loaded


def read(kind: type[M], payload: bytes) -> M:
    """Reads a message.

    Raises:
        MalformedError: It is too large, no JSON, or not as its schema says.
    """
    return kind(**fields_of(kind.kind, payload))


def event(stream: int, sent: int, fields: Mapping[str, Any]) -> bytes:
    """An event as JSON: flat, what is no plain value is left out.

    Args:
        stream: of the server.
        sent: milliseconds on the server's clock.
        fields: as `antiphon.runtime.events.to_json` gives them.
    """
    flat = {
        name: value
        for name, value in fields.items()
        if value is None or isinstance(value, (str, int, float))
    }
    said = {**flat, "stream": stream, "sent": sent}
    return json.dumps(said, separators=(",", ":")).encode()


def fields_of(kind: str, payload: bytes) -> dict[str, Any]:
    """The fields of a message that is as its schema says.

    Raises:
        MalformedError: It is not.
    """
    if len(payload) > MAX_BYTES:
        raise MalformedError(f"{len(payload)} bytes are too many")
    try:
        text = payload.decode("utf-8")
        value = json.loads(text or "{}", parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate is no text
    except (ValueError, RecursionError) as error:
        raise MalformedError("the message is no JSON") from error
    wrong = fault(value, schema(kind), "the message")
    if wrong:
        raise MalformedError(wrong)
    fields: dict[str, Any] = {
        name: int(item) if isinstance(item, float) and item.is_integer() else item
        for name, item in value.items()
    }
    return fields


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
