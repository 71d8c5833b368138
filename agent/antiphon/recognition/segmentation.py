"""Cuts a recording of any length into utterances, where nobody speaks. Memory is bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.speech_detector import ONSET_SPAN, ONSET_WINDOWS, SPEECH, levelled
from antiphon.silero import WINDOW, Silero, SileroState
from antiphon_codecs.interruption import checkpoint

Sound = NDArray[np.float32]

MARGIN = 10
"""Windows (0.3 s) that are heard before and after speech."""
SHORT_PAUSE, LONG_PAUSE = 16, 47
"""Windows of a pause (0.5 s, 1.5 s) that end an utterance which is long already, or is not."""
LONG_UTTERANCE = 8 * SAMPLE_RATE
"""Samples from which an utterance is long: recognizers know words better by those around them."""


@dataclass(frozen=True)
class Utterance:
    """A part of a recording that holds speech."""

    start: int
    """Its first sample in the recording."""
    pcm: Sound
    """[N] samples."""
    first: int
    """Sample of it at which speech begins, about."""
    last: int
    """Sample of it at which speech ends, about."""


@dataclass(frozen=True)
class SegmenterState:
    """A recording so far. Values are never changed in place."""

    silero: SileroState
    rest: Sound
    """Samples that do not fill a window yet."""
    start: int = 0
    """Where the first of `windows` begins in the recording."""
    windows: tuple[Sound, ...] = ()
    """Those of the utterance, or the newest ones before it."""
    speech: tuple[float, ...] = ()
    """How likely each of them is speech."""
    open: bool = False
    """Whether an utterance has begun."""
    peak: float = 0.0
    """The largest sample of late."""

    @property
    def pcm(self) -> Sound:
        """[N] the utterance so far; nothing between utterances."""
        if not self.open:
            return self.rest[:0]
        return np.concatenate([*self.windows, self.rest])


class Segmenter:
    """Finds utterances. Holds weights only; a recording's state is a value.

    Args:
        longest: samples of an utterance at most; a longer one is cut where speech is least likely.
        silero: the model; None takes the catalogue's.

    Raises:
        UserError: Silero is neither cached nor to be fetched.
    """

    def __init__(self, longest: int, silero: Silero | None = None) -> None:
        self._most = longest // WINDOW
        self._silero = silero or Silero()

    def start(self) -> SegmenterState:
        """State before the first sample."""
        return SegmenterState(self._silero.start(), np.zeros(0, np.float32))

    def step(self, pcm: Sound, state: SegmenterState) -> tuple[list[Utterance], SegmenterState]:
        """Utterances that are over after `pcm` [N], mono, 16 kHz; the new state."""
        sound = np.concatenate([state.rest, pcm])
        whole = len(sound) // WINDOW * WINDOW
        found: list[Utterance] = []
        for first in range(0, whole, WINDOW):
            checkpoint()
            over, state = self._window(sound[first : first + WINDOW], state)
            found += over
        return found, replace(state, rest=sound[whole:])

    def finish(self, state: SegmenterState) -> list[Utterance]:
        """What is left, if the recording ends here."""
        last = len(state.rest)
        over: list[Utterance] = []
        if last:
            padded = np.pad(state.rest, (0, WINDOW - last))
            over, state = self._window(padded, replace(state, rest=state.rest[:0]))
        if not state.open:
            return over
        utterance = _cut(state, len(state.windows) - max(0, _pause(state) - MARGIN))
        missing = WINDOW - last if last else 0
        end = state.start + len(state.windows) * WINDOW - missing
        return [*over, replace(utterance, pcm=utterance.pcm[: end - utterance.start])]

    def _window(
        self, window: Sound, state: SegmenterState
    ) -> tuple[list[Utterance], SegmenterState]:
        louder, peak = levelled(window, state.peak)
        probability, silero = self._silero.step(louder, state.silero)
        state = replace(
            state,
            silero=silero,
            peak=peak,
            windows=(*state.windows, window),
            speech=(*state.speech, probability),
        )
        if not state.open:
            recent = [p > SPEECH for p in state.speech[-ONSET_SPAN:]]
            state = _last(state, MARGIN + ONSET_SPAN)
            return [], replace(state, open=sum(recent) >= ONSET_WINDOWS)
        pause = _pause(state)
        patience = SHORT_PAUSE if len(state.windows) * WINDOW > LONG_UTTERANCE else LONG_PAUSE
        if pause >= patience:
            utterance = _cut(state, len(state.windows) - max(0, pause - MARGIN))
            behind = min(MARGIN + ONSET_SPAN, pause - MARGIN)  # so that nothing is heard twice
            return [utterance], replace(_last(state, behind), open=False)
        if len(state.windows) < self._most:
            return [], state
        at = _quietest(state.speech)
        return [_cut(state, at)], _last(state, len(state.windows) - at)


def _pause(state: SegmenterState) -> int:
    """Windows since the last one with speech."""
    for back, probability in enumerate(reversed(state.speech)):
        if probability > SPEECH:
            return back
    return len(state.speech)


def _cut(state: SegmenterState, count: int) -> Utterance:
    """The utterance of the first `count` windows."""
    spoken = [i for i, probability in enumerate(state.speech[:count]) if probability > SPEECH]
    first, last = (spoken[0], spoken[-1] + 1) if spoken else (0, count)
    pcm = np.concatenate(state.windows[:count])
    return Utterance(state.start, pcm, first * WINDOW, last * WINDOW)


def _last(state: SegmenterState, count: int) -> SegmenterState:
    """The state with the newest `count` windows only."""
    drop = max(0, len(state.windows) - count)
    return replace(
        state,
        start=state.start + drop * WINDOW,
        windows=state.windows[drop:],
        speech=state.speech[drop:],
    )


def _quietest(speech: tuple[float, ...]) -> int:
    """Where in the second half speech is least likely, for a quarter of a second."""
    half = len(speech) // 2
    smooth = np.convolve(speech[half:], np.ones(7) / 7, mode="same")
    return half + int(smooth[3:-3].argmin()) + 3 if len(smooth) > 7 else len(speech)
