"""From frames to a speaker's callback, keeping the buffer between two levels."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.resampling import Resampler
from antiphon.runtime.audio.ring_buffer import FADE_MS, Ring
from antiphon.runtime.frames import Frame, played

BUFFER_SECONDS = 2
"""What the buffer can hold at most."""
LOW_MS, MOST_LOW_MS = 10, 100
"""Milliseconds that must always be left: at first, and when the machine proves to stutter."""
SPAN_MS = 30
"""The higher level lies so far above the lower one; more than a frame, or they would alternate."""
SILENCE_LEVEL = 1e-3
"""Full scale of a frame that may be left out or repeated without being heard (-60 dB)."""
WINDOW = 50
"""Frames after which the lowest level is judged."""


class Playout:
    """The playout buffer: what is pushed once a frame is pulled whenever the speaker asks.

    Microphone and speaker have clocks of their own, so the buffer slowly fills or empties. Whenever
    a silent frame passes, one is left out or silence is put in, so that sound is never touched. A
    buffer that runs dry in the middle of sound learns to hold more.

    Args:
        source: Samples a second of what is pushed.
        target: Samples a second of the speaker.
    """

    def __init__(self, source: int, target: int) -> None:
        self.pushed = 0
        """Samples pushed so far, at the source's rate."""
        self.underruns = 0
        """How often it ran dry."""
        self._rates = source, target
        self._resampler = Resampler(source, target)
        self._ring = Ring(BUFFER_SECONDS * target, fade=target * FADE_MS // 1000)
        self._room = self._ring.capacity * 9 // 10
        self._low = LOW_MS
        self._block = 0
        self._dry = False
        self._base = self._fed = self._judged = 0
        self._least = self._ring.capacity
        # Where sound lies: first sample of a frame as fed to the resampler, and as pushed.
        self._marks: deque[tuple[int, int]] = deque()
        self._heard = 0

    def push(self, frame: Frame) -> None:
        """Adds a frame; called once for each frame of the microphone.

        Args:
            frame: [20 ms] at the source's rate.
        """
        begin = self.pushed
        self.pushed += len(frame)
        if self._fed and self._dry:
            self.underruns += 1
            self._low = min(self._low + LOW_MS, MOST_LOW_MS)
        if self._dry or not self._fed:
            self._refill()
        elif self._judged >= WINDOW and float(np.abs(frame).max(initial=0)) < SILENCE_LEVEL:
            spare = 1000 * self._least // self._rates[1]
            self._judge_again()
            if spare < self._low:
                self._silence(self._low + SPAN_MS // 2 - spare)
            elif spare > self._low + SPAN_MS:
                return
        self._judged += 1
        if self._ring.level < self._room:
            self._marks.append((self._fed, begin))
            self._feed(frame)

    def pull_into(self, out: NDArray[np.float32]) -> None:
        """Fills what the speaker asks for; called by the callback.

        Args:
            out: [N] at the speaker's rate, overwritten.
        """
        filled = self._ring.read_into(out)
        self._dry = self._dry or filled < len(out)
        self._block = max(self._block, len(out))
        self._least = min(self._least, self._ring.level)

    def heard(self, latency: float = 0.0) -> int:
        """How far the listener is in what was pushed.

        Dropped samples count as passed as soon as a later one is heard.

        Args:
            latency: Seconds from being pulled to being heard.

        Returns:
            Samples at the source's rate; never decreases.
        """
        late = round(latency * self._rates[1])
        self._heard = max(self._heard, self._at(self._ring.position - late))
        return self._heard

    def cut(self) -> int:
        """Throws away what was not pulled yet, but for a short fade.

        Returns:
            How far the listener gets in what was pushed before it is silent.
        """
        self._heard = max(self._heard, self._at(self._ring.cut()))
        self._resampler.clear()
        self._base = self._ring.written
        self._fresh()
        return self._heard

    def _fresh(self) -> None:
        """Nothing was fed since `_base`."""
        self._fed = 0
        self._marks.clear()
        self._judge_again()

    def _judge_again(self) -> None:
        self._judged, self._least = 0, self._ring.capacity

    def _at(self, index: int) -> int:
        """The last sample pushed before a position of the ring."""
        source, target = self._rates
        fed = (index - self._base) * source // target
        while len(self._marks) > 1 and self._marks[1][0] <= fed:
            self._marks.popleft()
        if not self._marks or fed < self._marks[0][0]:
            return 0
        begin, position = self._marks[0]
        return position + min(fed - begin, played(source))

    def _refill(self) -> None:
        """Silence for one pull of the speaker and what must be left after it."""
        target = self._rates[1]
        wanted = min(self._block, target // 2) + self._low * target // 1000
        while self._ring.level < wanted:
            self._silence(LOW_MS)
        self._dry = False

    def _silence(self, milliseconds: int) -> None:
        self._feed(np.zeros(self._rates[0] * milliseconds // 1000, np.float32))

    def _feed(self, samples: NDArray[np.float32]) -> None:
        self._fed += len(samples)
        self._ring.write(self._resampler(samples))
