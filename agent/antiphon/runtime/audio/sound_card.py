"""One opening of a microphone and a speaker through PortAudio.

The callbacks run in PortAudio's thread: they move samples between its buffers and ours and do
nothing else. Everything that takes time happens where frames are read and played.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from antiphon.runtime.audio.capture import Capture
from antiphon.runtime.audio.devices import Device, Side
from antiphon.runtime.audio.playout import Playout
from antiphon.runtime.audio.portaudio import INVALID_CHANNELS, INVALID_RATE, reason
from antiphon.runtime.clock import Clock
from antiphon.runtime.frames import FRAME_MS, Frame

RATES = 48_000, 44_100, 32_000, 16_000, 96_000, 24_000, 22_050, 8_000
"""Samples a second to try when a device refuses its own."""
CALLBACK_TIMEOUT = 0.5
"""Seconds without a callback after which a stream counts as dead."""
FIRST_CALLBACK_TIMEOUT = 5.0
"""Seconds a stream may take for its first callback."""
MAX_BLOCK = 1 << 16
"""Samples of the longest block a callback may ask for."""


@dataclass
class DeviceError(Exception):
    """A microphone or a speaker does not work, or no longer."""

    side: Side
    name: str
    why: str

    def __str__(self) -> str:
        kind = "microphone" if self.side == "input" else "speaker"
        return f"The {kind} '{self.name}' does not work ({self.why})."


class SoundCard:
    """A microphone and a speaker that run. Each is a stream of its own.

    Args:
        portaudio: The module `sounddevice`.
        microphone: What to record with.
        speaker: What to play with.
        rate: Samples a second of the frames to be played.
        clock: Tells when a stream was last alive.

    Raises:
        DeviceError: One of them cannot be opened, or stays silent.
    """

    def __init__(
        self, portaudio: Any, microphone: Device, speaker: Device, rate: int, clock: Clock
    ) -> None:
        self._portaudio, self._clock = portaudio, clock
        self._arrived = threading.Event()
        self._closing = False
        self._broken: dict[Side, str] = {}
        self._alive: dict[Side, float] = {}
        self._moved: set[Side] = set()
        self._scratch = np.zeros(MAX_BLOCK, np.float32)
        self.devices: dict[Side, Device] = {"input": microphone, "output": speaker}
        self.rates: dict[Side, int] = {}
        """Samples a second each side was opened at."""
        self._streams: list[Any] = []
        try:
            self._capture, self._in = self._open("input", self._record, Capture)
            self._playout, self._out = self._open(
                "output", self._feed, lambda target: Playout(rate, target)
            )
            self._prove()
        except BaseException:
            self.close()
            raise

    def resume(self, played: int) -> None:
        """Goes on from now, and counts on where another card was lost.

        Args:
            played: Samples played so far, at the codec's rate.
        """
        self._playout.pushed = played
        self._capture.clear()

    def read(self, patience: float) -> Frame | None:
        """The next frame of the microphone, or None if it does not come.

        Args:
            patience: Seconds to wait for it.
        """
        deadline = self._clock.now() + patience
        while True:
            self._arrived.clear()
            if (frame := self._capture.take()) is not None:
                return frame
            if not self._clock.wait(self._arrived, deadline - self._clock.now()):
                return None

    def play(self, frame: Frame) -> None:
        """Plays a frame after those before it."""
        self._playout.push(frame)

    @property
    def heard(self) -> int:
        """How far the listener is in what was played, at the codec's rate."""
        return self._playout.heard(self._out.latency)

    def clear(self) -> int:
        """Drops what is not on its way yet; see `Duplex.clear`."""
        return self._playout.cut()

    def failure(self) -> DeviceError | None:
        """What is wrong with the card, if something is."""
        now = self._clock.now()
        for side in self._alive:
            why = self._broken.get(side)
            if why is None and now - self._alive[side] > CALLBACK_TIMEOUT:
                why = "it has stopped"
            if why is not None:
                return DeviceError(side, self.devices[side].name, why)
        return None

    def close(self) -> None:
        """Stops both streams at once."""
        self._closing = True
        for stream in self._streams:
            with suppress(self._portaudio.PortAudioError):
                stream.abort()
            with suppress(self._portaudio.PortAudioError):
                stream.close()

    @property
    def counters(self) -> dict[str, float]:
        """What was lost so far: `underruns` of the speaker, `dropped_seconds` of the microphone."""
        return {
            "underruns": self._playout.underruns,
            "dropped_seconds": self._capture.dropped_seconds,
        }

    def _open(self, side: Side, callback: Any, made: Callable[[int], Any]) -> tuple[Any, Any]:
        """Opens a side at the first rate and number of channels it takes, and starts it."""
        device = self.devices[side]
        kind = getattr(self._portaudio, "RawInputStream" if side == "input" else "RawOutputStream")
        channels = 1
        rates = [device.rate, *(rate for rate in RATES if rate != device.rate)]
        while True:
            buffer = made(rates[0])

            def finished() -> None:
                if not self._closing:
                    self._broken[side] = "it was stopped"

            stream = None
            try:
                stream = kind(
                    device=device.index,
                    samplerate=rates[0],
                    blocksize=rates[0] * FRAME_MS // 1000,  # one callback a frame costs least
                    channels=channels,
                    dtype="float32",
                    latency="high",
                    callback=callback(buffer, channels),
                    finished_callback=finished,
                )
                stream.start()
                self._alive[side] = self._clock.now()
                self._streams.append(stream)
                self.rates[side] = rates[0]
                return buffer, stream
            except self._portaudio.PortAudioError as error:
                if stream is not None:
                    stream.close()
                code = error.args[1] if len(error.args) > 1 else None
                if code == INVALID_RATE and len(rates) > 1:
                    rates.pop(0)
                elif code == INVALID_CHANNELS and channels < device.channels(side):
                    channels = min(2, device.channels(side)) if channels == 1 else channels + 1
                else:
                    raise DeviceError(side, device.name, reason(error)) from error

    def _record(self, capture: Capture, channels: int) -> Callable[..., None]:
        def callback(buffer: Any, frames: int, time: Any, status: Any) -> None:
            try:
                capture.put(np.frombuffer(buffer, np.float32)[::channels])
                self._alive["input"] = self._clock.now()
                self._moved.add("input")
                self._arrived.set()
            except Exception as error:
                self._broken["input"] = f"{type(error).__name__}: {error}"

        return callback

    def _feed(self, playout: Playout, channels: int) -> Callable[..., None]:
        def callback(buffer: Any, frames: int, time: Any, status: Any) -> None:
            try:
                samples = self._scratch[:frames]
                playout.pull_into(samples)
                out = np.frombuffer(buffer, np.float32)
                for channel in range(channels):
                    out[channel::channels] = samples
                self._alive["output"] = self._clock.now()
                self._moved.add("output")
            except Exception as error:
                self._broken["output"] = f"{type(error).__name__}: {error}"

        return callback

    def _prove(self) -> None:
        """Waits until both sides have moved samples."""
        deadline = self._clock.now() + FIRST_CALLBACK_TIMEOUT
        while len(self._moved) < len(self.devices):
            if self._clock.now() > deadline:
                side: Side = "output" if "input" in self._moved else "input"
                raise DeviceError(side, self.devices[side].name, "it does not start")
            self._clock.sleep(0.01)
        self._alive = dict.fromkeys(self._alive, self._clock.now())
