"""Whisper behind the `Recognizer` protocol, with the states other models build on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from antiphon import weights
from antiphon.mel import HOP
from antiphon.recognition.recognizer import SAMPLE_RATE, Transcript
from antiphon.recognition.whisper.audio_encoder import EncoderState
from antiphon.recognition.whisper.transcriber import Hearing, Transcriber, Transcription
from antiphon.recognition.whisper.turn_end_head import TurnEndHead

REFRESH_SAMPLES = SAMPLE_RATE
"""Samples after which a recording is heard again while it grows, at the earliest."""
REFRESH_SHARE = 4
"""It is heard again when one in so many samples of its window is new. The windows heard grow by a
third from one to the next, so that all of them are at most four times as long as the sound."""


@dataclass(frozen=True)
class WhisperState:
    """A recording and its last transcription."""

    encoder: EncoderState
    """The audio so far."""
    fresh: int = 0
    """Samples since it was heard last."""
    hearing: Hearing | None = None
    """What was heard then."""


class WhisperRecognizer:
    """Hears again and again while the audio grows, so that little is left to do at its end.

    Args:
        transcriber: Whisper.
        turn_end: judges whether a turn is complete; None: nothing does.
    """

    def __init__(self, transcriber: Transcriber, turn_end: TurnEndHead | None = None) -> None:
        self.transcriber, self.turn_end = transcriber, turn_end

    def start(self) -> WhisperState:
        """State before the first sample."""
        return WhisperState(self.transcriber.encoder.start())

    def feed(self, pcm: NDArray[np.float32], state: WhisperState) -> WhisperState:
        """State after `pcm` [N], mono, 16 kHz."""
        encoder = self.transcriber.encoder.feed(pcm, state.encoder)
        fresh = state.fresh + len(pcm)
        due = max(REFRESH_SAMPLES, len(encoder.mel) * HOP // REFRESH_SHARE)
        if not state.fresh or fresh < due:  # what comes at once may be all there is
            return replace(state, encoder=encoder, fresh=fresh)
        return WhisperState(encoder, 0, self.transcriber.hear(encoder, state.hearing))

    def finish(self, state: WhisperState) -> Transcript:
        """The transcript, if the audio ends here."""
        transcription = self.transcription(state)
        return Transcript(transcription.text, self.complete(transcription), transcription.doubt)

    def transcription(self, state: WhisperState) -> Transcription:
        """The transcript with Whisper's states."""
        hearing = state.hearing
        if hearing is None or state.fresh:
            hearing = self.transcriber.hear(state.encoder, hearing)
        return self.transcriber.transcription(hearing)

    def complete(self, transcription: Transcription) -> float | None:
        """Log odds that the turn is complete; None: nothing judges it, or there is no audio."""
        if self.turn_end is None or not len(transcription.frames):
            return None
        return self.turn_end(transcription.frames)


def load(name: str) -> WhisperRecognizer:
    """The Whisper of a name, folder or hub id, with the turn-end head trained for it, if any."""
    return WhisperRecognizer(Transcriber.load(weights.path(name)), TurnEndHead.for_recognizer(name))
