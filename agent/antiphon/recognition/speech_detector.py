"""Where there is speech in a sound: all that is heard is what Silero finds, and a little around it.

Silence in front of speech is cut, and so is a long pause in it: a recognizer writes words that
nobody said where nobody speaks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.silero import WINDOW, Silero, SileroState
from antiphon_codecs.interruption import checkpoint

Sound = NDArray[np.float32]

SPEECH = 0.5
"""Probability from which a window counts as speech."""
ONSET_WINDOWS, ONSET_SPAN = 2, 5
"""Windows of speech among the last so many with which speech begins."""
PRE_ROLL = SAMPLE_RATE
"""Samples before its beginning that are heard, too."""
LEVEL, MOST_GAIN = 0.25, 10.0
"""Peak that quiet sound is brought to before Silero judges it, by so much at most: it misses
words of a voice that peaks at -30 dB."""
DECAY = 0.995
"""What is left of a peak after a window: half of it after 4.4 s."""
PAUSE_WINDOWS = 2 * SAMPLE_RATE // WINDOW
"""Windows without speech (2 s) after which nothing is heard until speech begins again."""


@dataclass(frozen=True)
class DetectorState:
    """A sound so far. Values are never changed in place."""

    silero: SileroState
    rest: Sound
    """Samples that do not fill a window yet."""
    held: Sound
    """The newest samples that were not let through: at most `PRE_ROLL`."""
    recent: tuple[bool, ...] = ()
    """Which of the last `ONSET_SPAN` windows hold speech."""
    open: bool = False
    """Whether there is speech, or a pause in it."""
    pause: int = 0
    """Windows since the last speech."""
    found: bool = False
    """Whether speech has begun at any time."""
    speech: int = 0
    """Windows of speech."""
    peak: float = 0.0
    """The largest sample of late."""

    @property
    def seconds(self) -> float:
        """Seconds of speech."""
        return self.speech * WINDOW / SAMPLE_RATE


class SpeechDetector:
    """Lets through what holds speech. Holds weights only; a sound's state is a value.

    Args:
        silero: the model; None takes the catalogue's.

    Raises:
        UserError: Silero is neither cached nor to be fetched.
    """

    def __init__(self, silero: Silero | None = None) -> None:
        self._silero = silero or Silero()

    def start(self) -> DetectorState:
        """State before the first sample."""
        nothing = np.zeros(0, np.float32)
        return DetectorState(self._silero.start(), nothing, nothing)

    def step(self, pcm: Sound, state: DetectorState) -> tuple[Sound, DetectorState]:
        """What is to be heard of `pcm` [N], mono, 16 kHz, and of what was held back; new state."""
        sound = np.concatenate([state.rest, pcm])
        whole = len(sound) // WINDOW * WINDOW
        heard = []
        for first in range(0, whole, WINDOW):
            checkpoint()
            passed, state = self._window(sound[first : first + WINDOW], state)
            heard.append(passed)
        state = replace(state, rest=sound[whole:])
        return np.concatenate([*heard, sound[:0]]), state

    def finish(self, state: DetectorState) -> tuple[Sound, DetectorState]:
        """The same for what is left, if the sound ends here."""
        if not len(state.rest):
            return state.rest, state
        padded = np.pad(state.rest, (0, WINDOW - len(state.rest)))
        passed, after = self._window(padded, state)
        silence = WINDOW - len(state.rest)
        return passed[: max(0, len(passed) - silence)], replace(after, rest=state.rest[:0])

    def _window(self, window: Sound, state: DetectorState) -> tuple[Sound, DetectorState]:
        louder, peak = levelled(window, state.peak)
        probability, silero = self._silero.step(louder, state.silero)
        speech = probability > SPEECH
        recent = (*state.recent, speech)[-ONSET_SPAN:]
        pause = 0 if speech else state.pause + 1
        is_open = (state.open and pause <= PAUSE_WINDOWS) or sum(recent) >= ONSET_WINDOWS
        sound = np.concatenate([state.held, window])
        held = sound[:0] if is_open else sound[-PRE_ROLL:]
        after = DetectorState(
            silero,
            state.rest,
            held,
            recent,
            is_open,
            pause,
            state.found or is_open,
            state.speech + speech,
            peak,
        )
        return (sound if is_open else sound[:0]), after


def levelled(window: Sound, peak: float) -> tuple[Sound, float]:
    """A window as loud as Silero should have it, and the largest sample of late.

    Args:
        window: [WINDOW] samples.
        peak: the largest sample before them.
    """
    peak = max(float(np.abs(window).max()), peak * DECAY)
    gain = min(MOST_GAIN, max(1.0, LEVEL / max(peak, 1e-9)))
    return window * np.float32(gain), peak
