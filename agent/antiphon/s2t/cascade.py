"""The honest baseline: Whisper's own transcript is what the language model reads."""

from __future__ import annotations

from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t.question_encoder import Question, WhisperEar


class CascadeEar(WhisperEar):
    """Hears as Whisper does and hands on nothing but the text."""

    def understand(self, heard: Transcription) -> Question:
        """Whisper's transcript."""
        return Question(heard.text, None)
