"""The echo path by its energies: how loud, and how late, what was played comes back.

No phases are followed, so a loudspeaker that distorts, a clock that drifts and a room that changes
do little harm. In every band the echo's power is a sum of the reference's powers of the last
frames, weighted by what was learnt of the room; the delay before that is found by correlating
envelopes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.frames import RATE

Powers = NDArray[np.float64]
"""[BANDS] mean power in each band of a frame."""

BANDS = 20
LOWEST, HIGHEST = 150.0, 7000.0
"""Edges of the bands in Hz."""
LAGS = 60
"""Longest delay in frames from played to recorded: 1.2 s."""
TAPS = 16
"""Frames the room rings: 320 ms."""
LEAD_FRAMES = 2
"""Frames before the strongest correlation from which the echo may begin."""
ENVELOPE_FRAMES = 150
"""Frames over which envelopes are compared: 3 s."""
ALIGN_EVERY = 25
"""Frames between two comparisons."""
MIN_IMPROVEMENT = 0.1
"""How much better another delay must correlate to be believed."""
SILENCE = 1e-9
"""Power that counts as silence (-90 dBFS)."""
FIRST, FAST, SLOW = 75, 0.2, 0.03
"""Frames of fast learning at first; share of the error a frame corrects then, and later."""
MAX_EXCESS = 2.0
"""Most that a frame may exceed the prediction to be learnt from, so that others are not learnt."""


def edges(bins: int) -> NDArray[np.intp]:
    """[BANDS + 1] first FFT bins of the bands, and the end of the last; logarithmic."""
    hertz = np.geomspace(LOWEST, HIGHEST, BANDS + 1)
    first = np.round(hertz / (RATE / 2) * (bins - 1)).astype(np.intp)
    for i in range(1, len(first)):
        first[i] = max(first[i], first[i - 1] + 1)
    return first


class EchoPath:
    """Learns the echo path of one loudspeaker and microphone while the agent speaks."""

    delay: int
    """Frames from played to the loudest echo."""
    certainty: float
    """Correlation of the envelopes at that delay, 0 before anything was compared."""

    def __init__(self) -> None:
        self._played = np.zeros((LAGS + TAPS + ENVELOPE_FRAMES, BANDS))
        self._recorded = np.zeros((ENVELOPE_FRAMES, BANDS))
        decay = 0.6 ** np.arange(TAPS)
        self._weights: NDArray[np.float64] = np.outer(decay / decay.sum(), np.full(BANDS, 0.1))
        self._correlation = np.zeros(LAGS)
        self._learnt = 0
        self.delay, self.certainty = LEAD_FRAMES, 0.0

    def step(self, recorded: Powers, played: Powers) -> Powers:
        """Predicts the echo's powers in this frame from what was played, then learns from it."""
        self._played = np.concatenate([self._played[1:], played[None]])
        self._recorded = np.concatenate([self._recorded[1:], recorded[None]])
        newest = len(self._played) - max(self.delay - LEAD_FRAMES, 0)
        reference = self._played[newest - TAPS : newest][::-1]
        if reference.max() < SILENCE:
            return np.zeros(BANDS)
        parts = self._weights * reference
        echo = parts.sum(axis=0) + 1e-20
        self._learn(parts / echo, recorded / echo)
        return echo

    def _learn(self, shares: NDArray[np.float64], ratio: Powers) -> None:
        """Mends the weights [TAPS, BANDS] by their shares in what came out wrong."""
        self._learnt += 1
        early = self._learnt < FIRST
        error = np.minimum(ratio, 100 if early else MAX_EXCESS) - 1
        self._weights *= 1 + (FAST if early else SLOW) * shares * error
        if self._learnt % ALIGN_EVERY == 0:
            self._align()

    def _align(self) -> None:
        mic = _shape(self._recorded)
        size = len(self._played)
        fresh = np.array(
            [
                np.vdot(mic, _shape(self._played[size - lag - ENVELOPE_FRAMES : size - lag]))
                for lag in _LAGS
            ]
        )
        self._correlation += (fresh - self._correlation) * (0.3 if self._correlation.any() else 1)
        best = int(self._correlation.argmax())
        if self._correlation[best] > self._correlation[self.delay] + MIN_IMPROVEMENT:
            self.delay = best
            self._learnt = 0
        self.certainty = float(self._correlation[self.delay])


_LAGS = range(LAGS)


def _shape(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log envelopes [MEMORY, BANDS] without their means, of unit norm."""
    log = np.log(powers + SILENCE)
    log -= log.mean(axis=0)
    return np.asarray(log / (np.linalg.norm(log) + 1e-9))
