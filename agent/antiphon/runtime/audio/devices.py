"""Microphones and speakers: what there is, which one is meant, and what a conversation needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from antiphon.errors import UserError
from antiphon.runtime.events import Event
from antiphon.runtime.frames import Frame

Side = Literal["input", "output"]
"""A microphone is an input, a speaker an output."""
EventSink = Callable[[Event], None]
"""Takes the events of a device."""


class Duplex(Protocol):
    """A microphone and a speaker, and the clock of a conversation.

    with duplex:
        for mic in duplex:
            duplex.play(conversation.step(mic))
            conversation.heard(duplex.heard)
    """

    def __enter__(self) -> Duplex:
        """Opens both."""
        ...

    def __exit__(self, *_: object) -> None:
        """Closes both; what was recorded is complete."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Frames of the microphone, each as soon as it is complete.

        A new iteration starts new counts: events and `heard` begin at zero.
        """
        ...

    def play(self, frame: Frame) -> None:
        """Plays a frame, after those before it; called once for each frame of the microphone."""
        ...

    @property
    def heard(self) -> int:
        """How far the listener is in what was played, in samples at the codec's rate.

        What was cleared or lost counts as passed once something behind it is heard.
        """
        ...

    def clear(self) -> int:
        """Drops what is not on its way yet, with a short fade.

        Returns:
            How far the listener gets in what was played, in samples at the codec's rate.
        """
        ...


@dataclass(frozen=True)
class Device:
    """A microphone, a speaker, or both."""

    index: int
    """PortAudio's number of it."""
    name: str
    """What the system calls it."""
    api: str
    """The system's interface to sound: ALSA, Core Audio, …"""
    inputs: int
    """Channels it records."""
    outputs: int
    """Channels it plays."""
    rate: int
    """Samples a second it likes best."""
    default_input: bool = False
    default_output: bool = False

    def channels(self, side: Side) -> int:
        """Channels of one side."""
        return self.inputs if side == "input" else self.outputs

    def report(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def list_devices(portaudio: Any) -> tuple[Device, ...]:
    """All devices.

    Args:
        portaudio: The module `sounddevice`, or what looks like it.
    """
    apis = portaudio.query_hostapis()
    try:
        defaults = tuple(portaudio.default.device)
    except portaudio.PortAudioError:
        defaults = (-1, -1)
    found = []
    for index, each in enumerate(portaudio.query_devices()):
        found.append(
            Device(
                index=index,
                name=each["name"],
                api=apis[each["hostapi"]]["name"],
                inputs=each["max_input_channels"],
                outputs=each["max_output_channels"],
                rate=round(each["default_samplerate"]),
                default_input=index == _default(defaults[0], apis, "default_input_device"),
                default_output=index == _default(defaults[1], apis, "default_output_device"),
            )
        )
    return tuple(found)


def choose(devices: tuple[Device, ...], side: Side, wanted: str | int | None = None) -> Device:
    """The device that is meant.

    Args:
        devices: All there are.
        side: What it is for.
        wanted: Its name, a part of it (upper or lower case), or its number; None is the default.

    Raises:
        UserError: There is none, or the name fits several.
    """
    kind = "microphone" if side == "input" else "speaker"
    able = [device for device in devices if device.channels(side) > 0]
    if not able:
        raise UserError(f"There is no {kind}: connect one, or see `antiphon devices`.")
    if wanted is None or wanted == "":
        marked = [each for each in able if getattr(each, f"default_{side}")]
        return (marked or able)[0]
    text = str(wanted)
    if text.isdecimal():
        fitting = [device for device in able if device.index == int(text)]
    else:
        fitting = [device for device in able if text.lower() in device.name.lower()]
        exact = [device for device in fitting if device.name.lower() == text.lower()]
        fitting = exact[:1] or fitting
    if not fitting:
        names = ", ".join(f"{device.index} {device.name}" for device in able)
        raise UserError(f"There is no {kind} '{text}': choose one of {names}.")
    if len(fitting) > 1:
        names = ", ".join(f"{device.index} {device.name}" for device in fitting)
        raise UserError(f"'{text}' fits several {kind}s: choose one of {names}.")
    return fitting[0]


def _default(chosen: int, apis: Any, key: str) -> int:
    """The default's number; without a choice of the user it is that of the first interface."""
    if chosen >= 0:
        return chosen
    return next((api[key] for api in apis if api[key] >= 0), -1)
