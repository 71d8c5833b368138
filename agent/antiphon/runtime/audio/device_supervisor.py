"""A microphone and a speaker that may vanish: the conversation goes on until they are back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain, repeat
from typing import Any

import numpy as np

from antiphon.errors import UserError
from antiphon.runtime.audio import portaudio as library
from antiphon.runtime.audio.devices import Device, EventSink, Side, choose, list_devices
from antiphon.runtime.audio.sound_card import DeviceError, SoundCard
from antiphon.runtime.clock import Clock, Pace, WallClock
from antiphon.runtime.events import DeviceBack, DeviceLost
from antiphon.runtime.frames import FRAME, Frame

POLL_SECONDS = 0.1
"""Seconds between two looks at a card that gives nothing."""
BACKOFF = 0.25, 0.25, 0.5, 0.5, 1.0, 2.0
"""Seconds before each attempt to open again; the last is repeated."""
ATTEMPTS_BEFORE_DEFAULT = 4
"""Attempts with the device that was lost before the default takes its place."""

Background = Callable[[Callable[[], None]], None]
"""Runs a function beside the conversation."""


class SoundCards:
    """The `Duplex` over PortAudio.

    A card that stops, starves or breaks is noticed within a second and told as `DeviceLost`. From
    then on the microphone is silent and nothing counts as heard, in real time, while the device is
    opened again by its name, later the default one. `DeviceBack` says what was found.

    Args:
        rate: Samples a second of the frames to be played.
        emit: Takes the events.
        microphone: Name, part of it or number; None is the system's default.
        speaker: Likewise.
        portaudio: The module `sounddevice`, or what stands for it.
        clock: Whose seconds.
        background: Runs the search for devices; a thread if None.
    """

    def __init__(
        self,
        rate: int,
        emit: EventSink,
        *,
        microphone: str | int | None = None,
        speaker: str | int | None = None,
        portaudio: Any = None,
        clock: Clock | None = None,
        background: Background | None = None,
    ) -> None:
        self.rate = rate
        self._emit = emit
        self._wanted: dict[Side, str | int | None] = {"input": microphone, "output": speaker}
        self._portaudio = portaudio
        self._clock = clock or WallClock()
        self._background = background or _thread
        self._card: SoundCard | None = None
        self._found: SoundCard | None = None
        self._devices: dict[Side, Device] = {}
        self._lost: Side = "input"
        self._closing = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._quiet = ExitStack()
        self._at = self._played = self._heard = self._base = 0

    def __enter__(self) -> SoundCards:
        """Opens microphone and speaker.

        Raises:
            UserError: There is none, or it cannot be opened.
        """
        self._portaudio = self._portaudio or library.load()
        with ExitStack() as stack:
            stack.enter_context(library.quiet())
            self._connect()
            self._quiet = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Closes what is open, at once."""
        self._closing.set()
        self._idle.wait(5)
        for card in (self._card, self._found):
            if card is not None:
                card.close()
        self._card = self._found = None
        self._quiet.close()

    def __iter__(self) -> Iterator[Frame]:
        """Frames of the microphone; silence while there is none. Counting begins here."""
        self._at, self._base = 0, self._played
        while not self._closing.is_set():
            for frame in self._live() if self._card is not None else self._silence():
                yield frame
                self._at += FRAME

    def play(self, frame: Frame) -> None:
        """Plays a frame; what is played while the speaker is gone is lost."""
        self._played += len(frame)
        if self._card is not None:
            self._card.play(frame)

    @property
    def heard(self) -> int:
        """How far the listener is; see `Duplex.heard`."""
        if self._card is not None:
            self._heard = max(self._heard, self._card.heard)
        return max(self._heard - self._base, 0)

    def clear(self) -> int:
        """Drops what is not on its way yet; see `Duplex.clear`."""
        if self._card is not None:
            self._heard = max(self._heard, self._card.clear())
        return max(self._heard - self._base, 0)

    @property
    def names(self) -> dict[Side, str]:
        """What is used just now, or was used last."""
        return {side: device.name for side, device in self._devices.items()}

    @property
    def rates(self) -> dict[Side, int]:
        """Samples a second of the devices in use; nothing while one is lost."""
        return dict(self._card.rates) if self._card is not None else {}

    @property
    def counters(self) -> dict[str, float]:
        """`underruns` of the speaker and `dropped_seconds` of the microphone in use."""
        return self._card.counters if self._card is not None else {}

    def _connect(self) -> None:
        devices = list_devices(self._portaudio)
        chosen = {side: choose(devices, side, want) for side, want in self._wanted.items()}
        try:
            self._card = self._open(chosen["input"], chosen["output"])
        except DeviceError as failure:
            raise UserError(str(failure)) from failure
        self._card.resume(0)
        self._devices = self._card.devices

    def _live(self) -> Iterator[Frame]:
        """Frames of the card, until it fails."""
        while (card := self._card) is not None and not self._closing.is_set():
            if (failure := card.failure()) is not None:
                self._lose(card, failure)
            elif (frame := card.read(POLL_SECONDS)) is not None:
                yield frame

    def _silence(self) -> Iterator[Frame]:
        """Silence in real time, until there is a card again."""
        pace = Pace(1.0, self._clock)
        passed = 0
        while self._found is None and not self._closing.is_set():
            pace.wait(passed)
            passed += FRAME
            yield np.zeros(FRAME, np.float32)
        if self._found is not None:
            self._adopt(self._found)

    def _lose(self, card: SoundCard, failure: DeviceError) -> None:
        self._heard = max(self._heard, card.heard)
        self._card = None
        self._lost = failure.side
        self._idle.clear()
        self._background(lambda: self._search(card))
        self._emit(DeviceLost(self._at, failure.side, failure.name, str(failure)))

    def _adopt(self, card: SoundCard) -> None:
        before, self._devices = self._devices, card.devices
        self._card, self._found = card, None
        card.resume(self._played)
        for side, device in card.devices.items():
            if side == self._lost or device.name != before[side].name:
                self._emit(DeviceBack(self._at, side, device.name))

    def _search(self, card: SoundCard) -> None:
        """Closes the card and opens another, however long it takes."""
        try:
            card.close()
            for attempt, seconds in enumerate(chain(BACKOFF, repeat(BACKOFF[-1]))):
                self._clock.wait(self._closing, seconds)
                if self._closing.is_set():
                    return
                try:
                    library.restart(self._portaudio)
                    devices = list_devices(self._portaudio)
                    microphone, speaker = (
                        self._again(devices, side, attempt) for side in self._wanted
                    )
                    self._found = self._open(microphone, speaker)
                    return
                except (DeviceError, UserError, self._portaudio.PortAudioError):
                    continue
        finally:
            self._idle.set()

    def _again(self, devices: tuple[Device, ...], side: Side, attempt: int) -> Device:
        """The device used before; after a few attempts the default one every other time."""
        disloyal = attempt >= ATTEMPTS_BEFORE_DEFAULT
        try:
            device = choose(devices, side, self._devices[side].name)
        except UserError:
            if disloyal:
                return choose(devices, side)
            raise
        if side == self._lost and disloyal and (attempt - ATTEMPTS_BEFORE_DEFAULT) % 2 == 0:
            return choose(devices, side)
        return device

    def _open(self, microphone: Device, speaker: Device) -> SoundCard:
        return SoundCard(self._portaudio, microphone, speaker, self.rate, self._clock)


def _thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="devices", daemon=True).start()
