"""Whisper behind the `Recognizer` protocol, with the states other models build on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from antiphon import weights
from antiphon.recognition.recognizer import SAMPLE_RATE, Transcript
from antiphon.recognition.whisper.audio_encoder import EncoderState
from antiphon.recognition.whisper.transcriber import Transcriber, Transcription
from antiphon.recognition.whisper.turn_end_head import TurnEndHead

REFRESH_SAMPLES = SAMPLE_RATE
"""Samples after which a recording is transcribed again while it grows."""


@dataclass(frozen=True)
class WhisperState:
    """A recording and its last transcription."""

    encoder: EncoderState
    """The audio so far."""
    fresh: int
    """Samples since the last transcription."""
    draft: tuple[tuple[int, ...], ...]
    """The tokens of the last transcription, by window: a guess that saves time, never a result."""
    transcription: Transcription | None = None
    """The last transcription, if no sample has come since."""


class WhisperRecognizer:
    """Transcribes again every second while the audio grows, so that little is left at its end.

    Args:
        transcriber: Whisper.
        turn_end: judges whether a turn is complete; None: nothing does.
    """

    def __init__(self, transcriber: Transcriber, turn_end: TurnEndHead | None = None) -> None:
        self.transcriber, self.turn_end = transcriber, turn_end

    def start(self) -> WhisperState:
        """State before the first sample."""
        return WhisperState(self.transcriber.encoder.start(), 0, ())

    def feed(self, pcm: NDArray[np.float32], state: WhisperState) -> WhisperState:
        """State after `pcm` [N], mono, 16 kHz."""
        encoder = self.transcriber.encoder.feed(pcm, state.encoder)
        state = replace(state, encoder=encoder, fresh=state.fresh + len(pcm), transcription=None)
        if state.fresh < REFRESH_SAMPLES:
            return state
        transcription, draft = self.transcriber.hear(encoder, state.draft)
        return WhisperState(encoder, 0, draft, transcription)

    def finish(self, state: WhisperState) -> Transcript:
        """The transcript, if the audio ends here."""
        transcription = self.transcription(state)
        return Transcript(transcription.text, self.complete(transcription))

    def transcription(self, state: WhisperState) -> Transcription:
        """The transcript with Whisper's states."""
        return state.transcription or self.transcriber.hear(state.encoder, state.draft)[0]

    def complete(self, transcription: Transcription) -> float | None:
        """Log odds that the turn is complete; None: nothing judges it, or there is no audio."""
        if self.turn_end is None or not len(transcription.frames):
            return None
        return self.turn_end(transcription.frames)


def load(name: str) -> WhisperRecognizer:
    """The Whisper of a name, folder or hub id, with the turn-end head trained for it, if any."""
    return WhisperRecognizer(Transcriber.load(weights.path(name)), TurnEndHead.for_recognizer(name))
