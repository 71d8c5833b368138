"""What happens in a conversation: one frozen record an event, and its way to JSON and back.

`at` is the microphone's sample count when the event happened, so events sort by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_type_hints

from antiphon.errors import UserError
from antiphon.messages import Doubt

State = Literal["idle", "listening", "thinking", "speaking"]
"""What the agent does just now."""


@dataclass(frozen=True)
class Event:
    """Something happened."""

    at: int
    """When: samples of the microphone since the conversation began."""


@dataclass(frozen=True)
class SpeechStarted(Event):
    """Somebody began to speak to the agent."""

    onset: int
    """First sample of the speech; earlier than `at`, because speech takes a moment to be sure."""


@dataclass(frozen=True)
class SpeechStopped(Event):
    """Somebody stopped speaking; known once the turn has ended."""

    end: int
    """First sample of the silence that followed; earlier than `at`."""


@dataclass(frozen=True)
class TurnEnded(Event):
    """The user's turn is over: an answer is due."""


@dataclass(frozen=True)
class Transcript(Event):
    """The transcript of the user's turn."""

    text: str
    """The words; empty if there were none, and then nothing is answered."""
    doubt: Doubt | None = None
    """Why there are none: nobody spoke, or what was heard is not believed, which is said."""
    rate: int | None = None
    """How many encoder states were averaged to one, by a recognizer that follows the load."""


@dataclass(frozen=True)
class ReplyStarted(Event):
    """The first sample of a reply is being played."""

    generation: int
    """Number of the reply; never used twice."""


@dataclass(frozen=True)
class ReplyText(Event):
    """Words of the reply, as they begin to sound."""

    text: str
    """One or more words, without spaces around them."""


@dataclass(frozen=True)
class Paused(Event):
    """Playback pauses: the user may be interrupting."""


@dataclass(frozen=True)
class Resumed(Event):
    """It was no interruption: playback goes on where it was heard last."""


@dataclass(frozen=True)
class Interrupted(Event):
    """The reply was stopped before its end."""

    heard_ms: int
    """Milliseconds of it that were really heard."""
    heard_text: str
    """The words of it that were really heard."""
    reason: Literal["speech", "stop word", "button", "command"] = "speech"
    """What stopped it."""


@dataclass(frozen=True)
class ReplyFinished(Event):
    """The reply was said to its end."""

    text: str
    """All of it."""


@dataclass(frozen=True)
class Said(Event):
    """A given text with a name is over: it was said, stopped, or given up."""

    name: str
    """As it was given."""
    text: str
    """What was heard of it."""


@dataclass(frozen=True)
class Latency(Event):
    """Where the time went between the user's last word and the first sound of the reply.

    All fields are samples of the microphone; a stage that did not happen is None.
    """

    speech_end: int
    """The user's speech ended."""
    soft_end: int | None
    """Silence was noticed and the answer was begun."""
    turn_end: int
    """The end of the turn was sure and the answer was released."""
    understood: int | None
    """The transcript was there."""
    first_piece: int | None
    """The first piece of speech was there."""
    first_sound: int
    """The first sample was handed to the speaker."""

    @property
    def voice_to_voice_ms(self) -> int:
        """Milliseconds from the user's last word to the first sample of the reply."""
        return (self.first_sound - self.speech_end) // 16


@dataclass(frozen=True)
class ToolCalled(Event):
    """A tool is about to be used."""

    tool: str
    """Its name."""
    arguments: str
    """Its arguments as JSON."""
    text: str
    """What was understood: "drive 2 meters"."""


@dataclass(frozen=True)
class Failed(Event):
    """Something went wrong; the conversation goes on."""

    stage: Literal["hearing", "reply", "recording"]
    """Where."""
    error: str
    """One sentence."""


@dataclass(frozen=True)
class Muted(Event):
    """The microphone was muted or opened."""

    muted: bool
    """True: nothing is heard from now on."""


@dataclass(frozen=True)
class DeviceLost(Event):
    """A microphone or speaker is gone; silence takes its place until it is back."""

    device: Literal["input", "output"]
    """Which side."""
    name: str
    """The device's name."""
    reason: str
    """One sentence."""


@dataclass(frozen=True)
class DeviceBack(Event):
    """A microphone or speaker is back."""

    device: Literal["input", "output"]
    """Which side."""
    name: str
    """The device's name; another one if the default took its place."""


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        SpeechStarted,
        SpeechStopped,
        TurnEnded,
        Transcript,
        ReplyStarted,
        ReplyText,
        Paused,
        Resumed,
        Interrupted,
        ReplyFinished,
        Said,
        Latency,
        ToolCalled,
        Failed,
        Muted,
        DeviceLost,
        DeviceBack,
    )
}
"""Every kind of event by its name."""


def to_json(event: Event) -> dict[str, Any]:
    """The event as a flat JSON object; `event` holds its kind."""
    return {"event": type(event).__name__, **asdict(event)}


def from_json(record: Mapping[str, Any]) -> Event:
    """What `to_json` wrote.

    Raises:
        UserError: It is no event.
    """
    fields = dict(record)
    name = fields.pop("event", None)
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None or set(fields) - set(get_type_hints(kind)):
        raise UserError(
            f"{str(record)[:80]!r} is no event of a conversation: check where it is from."
        )
    try:
        return kind(**fields)
    except TypeError as error:
        raise UserError(f"The event {name} lacks a field ({error}).") from error
