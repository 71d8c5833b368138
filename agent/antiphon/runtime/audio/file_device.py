"""A microphone that is a sound file, and a speaker that writes one on the same clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.runtime.audio.devices import Duplex
from antiphon.runtime.audio.resampling import Resampler
from antiphon.runtime.audio.simulated_device import frames_of
from antiphon.runtime.clock import Clock, Pace
from antiphon.runtime.frames import FRAME, FRAME_MS, RATE, Frame, played

BLOCK_SAMPLES = 1 << 16
"""Samples of a file read at a time, so that a recording of hours takes no memory."""


IDLE_FRAMES = 2000 // FRAME_MS
"""Idle frames behind the end of a file after which it counts as answered."""


class SoundFiles:
    """The `Duplex` over two files. What is played for a frame sounds during the next one.

    Both files begin at the same moment, so that whatever happens can be measured in them. What was
    played is written at once and is complete however the conversation ends.

    Args:
        source: What there is to be heard: WAV, FLAC, Ogg or MP3.
        target: Where to write what is played, a WAV of 16 bits; None does not write.
        rate: Samples a second of the frames to be played.
        tail: Seconds of silence after the end of the source.
        speed: Times real time; None does not wait.
        clock: Whose seconds, if there is a speed.
    """

    def __init__(
        self,
        source: Path,
        target: Path | None,
        rate: int,
        *,
        tail: float = 0.0,
        speed: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.rate = rate
        self._source, self._target = source, target
        self._tail = np.zeros(round(tail * RATE), np.float32)
        self._pace = Pace(speed, clock)
        self._file: Any = None
        self._played = 0
        self.over = False
        """Whether the source has ended; silence follows."""

    def __enter__(self) -> SoundFiles:
        """Opens both files.

        Raises:
            UserError: The source cannot be read, or the target not be written.
        """
        audio_file.require_readable(self._source)
        if self._target is not None:
            if self._target.suffix.lower() != ".wav":
                raise UserError(f"'{self._target}' must be a WAV file: end its name with .wav.")
            audio_file.require_writable(self._target)
            import soundfile

            self._file = soundfile.SoundFile(
                self._target, "w", self.rate, channels=1, format="WAV", subtype="PCM_16"
            )
            self._file.write(np.zeros(played(self.rate), np.float32))
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the files."""
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[Frame]:
        """The source's frames, then silence. Counting begins here."""
        at = self._played = 0
        self.over = False
        for frame in frames_in(self._source):
            self._pace.wait(at)
            at += FRAME
            yield frame
        self.over = True
        for frame in frames_of(self._tail):
            self._pace.wait(at)
            at += FRAME
            yield frame

    def play(self, frame: Frame) -> None:
        """Writes a frame."""
        self._played += len(frame)
        if self._file is not None:
            self._file.write(np.clip(frame, -1, 1))

    @property
    def heard(self) -> int:
        """Everything that was played."""
        return self._played

    def clear(self) -> int:
        """Nothing waits in a file."""
        return self._played


class EndOfFile:
    """Notices that a sound file has been answered: it is over, and two seconds were idle since.

    Args:
        duplex: any device; only one with `over`, as `SoundFiles`, has an end.
    """

    def __init__(self, duplex: Duplex) -> None:
        self._duplex, self._idle = duplex, 0

    def step(self, idle: bool) -> bool:
        """Takes a frame in which the conversation was idle or not; True: nothing will follow."""
        over = getattr(self._duplex, "over", False)
        self._idle = self._idle + 1 if over and idle else 0
        return self._idle >= IDLE_FRAMES


def frames_in(path: Path) -> Iterator[Frame]:
    """A sound file's frames at 16 kHz, mono; the last one is filled with silence.

    Args:
        path: The file, of any length.
    """
    import soundfile

    rest: NDArray[np.float32] = np.zeros(0, np.float32)
    with soundfile.SoundFile(path) as file:
        resampler = Resampler(file.samplerate, RATE)
        length = -(-file.frames * RATE // file.samplerate)
        for block in file.blocks(BLOCK_SAMPLES, dtype="float32", always_2d=True):
            mono = np.nan_to_num(block, nan=0, posinf=0, neginf=0).mean(axis=1)
            rest = np.concatenate([rest, resampler(np.clip(mono, -1, 1))])
            whole = len(rest) // FRAME * FRAME
            yield from frames_of(rest[:whole])
            length -= whole
            rest = rest[whole:]
    if length > 0:
        rest = np.concatenate([rest, resampler.flush()])
        rest = np.concatenate([rest, np.zeros(max(length - len(rest), 0), np.float32)])
        yield from frames_of(rest[:length])
