"""Devices by name: what a conversation's sound comes from and goes to."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from antiphon.errors import UserError
from antiphon.registry import Registry
from antiphon.runtime.audio.devices import Duplex, EventSink
from antiphon.settings import Devices

TAIL_SECONDS = 20.0
"""Seconds of silence behind a sound file, in which the last answer is heard to its end."""

Opener = Callable[[Devices, int, EventSink], Duplex]
"""Makes a device of the settings, for a voice of so many samples a second; takes its events."""

DEVICES: Registry[Opener] = Registry(
    "device",
    "antiphon.devices",
    {
        "sound-card": "antiphon.runtime.audio.open_device:sound_card",
        "file": "antiphon.runtime.audio.open_device:sound_files",
    },
)
"""Devices by the name that `--sound-device` takes."""


def open_device(chosen: Devices, rate: int, emit: EventSink) -> Duplex:
    """The device of the settings; it opens when it is entered.

    Args:
        chosen: the settings; sound files, if there are any, take the place of a sound card.
        rate: samples a second of the voice.
        emit: takes the device's events.

    Raises:
        UserError: There is no such device, or the settings do not fit it.
    """
    if chosen.file is not None and (chosen.input or chosen.output):
        raise UserError("Give --input and --output, or --file, not both.")
    name = "file" if chosen.file is not None else chosen.sound_device
    return DEVICES.get(name)(chosen, rate, emit)


def sound_card(chosen: Devices, rate: int, emit: EventSink) -> Duplex:
    """Microphone and speaker of this machine."""
    from antiphon.runtime.audio.device_supervisor import SoundCards

    return SoundCards(rate, emit, microphone=chosen.input, speaker=chosen.output)


def sound_files(chosen: Devices, rate: int, emit: EventSink) -> Duplex:
    """A sound file as the microphone, another as the speaker."""
    if find_spec("soundfile") is None:
        raise UserError("Sound files need another package: pip install soundfile.")
    from antiphon import audio_file
    from antiphon.runtime.audio import file_device

    if chosen.file is None:
        raise UserError("The device 'file' needs files: give --file IN.wav OUT.wav.")
    audio_file.require_readable(chosen.file[0])
    audio_file.require_writable(chosen.file[1])
    return file_device.SoundFiles(*chosen.file, rate, tail=TAIL_SECONDS, speed=1.0)
