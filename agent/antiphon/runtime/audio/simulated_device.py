"""A microphone and a speaker in memory, with the faults real ones have."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.devices import EventSink
from antiphon.runtime.audio.playout import Playout
from antiphon.runtime.clock import Clock, Pace
from antiphon.runtime.events import DeviceBack, DeviceLost
from antiphon.runtime.frames import FRAME, FRAME_MS, RATE, Frame

NOTICE_FRAMES = 25
"""Frames until a device that vanished is noticed: half a second, as with a real one."""
CLIPPED = 20.0
"""How much too loud a clipping microphone is."""


@dataclass(frozen=True)
class Fault:
    """Something is wrong for a while."""

    kind: Literal["dropout", "gone", "muted", "clipping"]
    """A dropout loses the microphone's samples while the speaker goes on; a device that is gone
    is silent and plays nothing; a muted microphone hears nothing; a clipping one is too loud."""
    start: int
    """First sample of the microphone."""
    length: int
    """Samples; faults take whole frames."""


class Simulated:
    """The `Duplex` over an array, as fast as its frames are taken.

    Args:
        sound: [N] what there is to be heard at 16 kHz, or its frames.
        rate: Samples a second of the frames to be played.
        speed: Times real time; None does not wait.
        latency_ms: From the playout buffer to the listener's ear; whole frames.
        drift_ppm: How much faster than the microphone's the speaker's clock runs, in millionths.
        faults: What goes wrong, and when.
        echo: Makes of what the listener hears [320] what comes back into the microphone [320];
            called once for each frame.
        emit: Takes the events.
        keep: Keep what the listener hears, in `listened`.
        clock: Whose seconds, if there is a speed.
    """

    def __init__(
        self,
        sound: NDArray[np.float32] | Iterable[Frame],
        rate: int,
        *,
        speed: float | None = None,
        latency_ms: int = 2 * FRAME_MS,
        drift_ppm: float = 0.0,
        faults: Iterable[Fault] = (),
        echo: Callable[[Frame], Frame] | None = None,
        emit: EventSink = lambda event: None,
        keep: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.rate = rate
        self._frames = frames_of(sound) if isinstance(sound, np.ndarray) else sound
        self._pace = Pace(speed, clock)
        self._latency = latency_ms / 1000
        self._faults = tuple(faults)
        self._echo, self._emit, self._keep = echo, emit, keep
        self._playout = Playout(rate, RATE)
        self._line = deque([np.zeros(FRAME, np.float32)] * (latency_ms // FRAME_MS))
        self._step = 1 + drift_ppm * 1e-6
        self._phase = 0.0
        self._last = np.zeros(1, np.float32)
        self._gone = False
        self._heard = self._underruns = self._base = 0
        self._kept: list[Frame] = []

    def __enter__(self) -> Simulated:
        """Nothing to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[Frame]:
        """The sound's frames, with faults and echo. Counting begins here."""
        at = 0
        self._base = self._playout.pushed
        silence = np.zeros(FRAME, np.float32)
        for index, frame in enumerate(self._frames):
            now = {fault.kind: fault for fault in self._faults if _covers(fault, index * FRAME)}
            gone = now.get("gone")
            if gone and index * FRAME >= gone.start + NOTICE_FRAMES * FRAME and not self._gone:
                self._gone = True
                self._emit(DeviceLost(at, "input", "simulated", "The device is gone."))
            elif self._gone and not gone:
                self._gone = False
                self._replace()
                self._emit(DeviceBack(at, "input", "simulated"))
            ear = silence if gone else self._pull()
            if self._keep:
                self._kept.append(ear)
            mic = np.asarray(frame, np.float32)
            if self._echo is not None:
                mic = mic + self._echo(ear)
            if "dropout" in now:
                continue
            if gone or "muted" in now:
                mic = silence
            elif "clipping" in now:
                mic = mic * CLIPPED
            self._pace.wait(at)
            at += FRAME
            yield np.clip(mic, -1, 1).astype(np.float32)

    def play(self, frame: Frame) -> None:
        """Plays a frame after those before it; lost while the device is gone."""
        if self._gone:
            self._playout.pushed += len(frame)
        else:
            self._playout.push(frame)

    @property
    def heard(self) -> int:
        """How far the listener is; see `Duplex.heard`."""
        self._heard = max(self._heard, self._playout.heard(self._latency))
        return max(self._heard - self._base, 0)

    def clear(self) -> int:
        """Drops what is not on its way yet; see `Duplex.clear`."""
        self._heard = max(self._heard, self._playout.cut())
        return max(self._heard - self._base, 0)

    @property
    def listened(self) -> NDArray[np.float32]:
        """[N] what the listener heard so far at 16 kHz, on the clock of the sound."""
        return np.concatenate([*self._kept, np.zeros(0, np.float32)])

    @property
    def underruns(self) -> int:
        """How often the speaker ran dry."""
        return self._underruns + self._playout.underruns

    def _replace(self) -> None:
        """A new buffer for the device that is back: what was lost with the old one stays lost."""
        self._underruns, old = self.underruns, self._playout
        self._playout = Playout(self.rate, RATE)
        self._playout.pushed = old.pushed
        self._line = deque(np.zeros(FRAME, np.float32) for _ in self._line)

    def _pull(self) -> Frame:
        """What the listener hears during a frame of the microphone."""
        if self._step == 1:
            sound = np.empty(FRAME, np.float32)
            self._playout.pull_into(sound)
        else:  # the speaker's samples at the microphone's moments
            moments = self._phase + self._step * np.arange(1, FRAME + 1)
            block = np.empty(int(np.ceil(moments[-1])), np.float32)
            self._playout.pull_into(block)
            known = np.concatenate([self._last, block])
            sound = np.interp(moments, np.arange(len(known)), known).astype(np.float32)
            self._last, self._phase = known[-1:], moments[-1] - len(block)
        self._line.append(sound)
        return self._line.popleft()


def frames_of(sound: NDArray[np.float32]) -> Iterator[Frame]:
    """Cuts [N] samples into frames; the last one is filled with silence."""
    for start in range(0, len(sound), FRAME):
        frame = np.zeros(FRAME, np.float32)
        part = sound[start : start + FRAME]
        frame[: len(part)] = part
        yield frame


def _covers(fault: Fault, sample: int) -> bool:
    return fault.start <= sample < fault.start + fault.length
