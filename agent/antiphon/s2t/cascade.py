"""The cascade: the language model reads a recognizer's transcript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.llm.language_model import LanguageModel
from antiphon.llm.text_model import TextModel
from antiphon.recognition import hearing_rate
from antiphon.recognition.conversation import listener
from antiphon.recognition.recognizer import Recognizer, from_pretrained
from antiphon.recognition.whisper.recognizer import WhisperRecognizer
from antiphon.s2t.question_encoder import Question


class CascadeEncoder:
    """Transcribes, and gives nothing but the text.

    Args:
        recognizer: any.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer

    def start(self) -> Any:
        """State before the first sample."""
        return self.recognizer.start()

    def feed(self, pcm: NDArray[np.float32], state: Any) -> Any:
        """State after `pcm` [N], mono, 16 kHz."""
        return self.recognizer.feed(pcm, state)

    def heard(self, state: Any) -> Question | None:
        """The transcript so far, of a recognizer that says when it has one (`fresh`)."""
        fresh = getattr(self.recognizer, "fresh", None)
        return self.finish(state) if fresh and fresh(state) else None

    def finish(self, state: Any) -> Question:
        """The transcript as the question."""
        transcript = self.recognizer.finish(state)
        return Question(
            transcript.text, None, transcript.complete, transcript.doubt, transcript.rate
        )


def load(llm: Callable[[], LanguageModel | TextModel], recognizer: str) -> CascadeEncoder:
    """The cascade with the recognizer of a name or folder; any language model reads text.

    Raises:
        UserError: There is none, or it does not hear at the rate that was chosen.
    """
    found = from_pretrained(recognizer)
    hearing_rate.require(hearing_rate.fixed(), getattr(found, "rates", ()), recognizer)
    if isinstance(found, WhisperRecognizer):
        listener.prepare(found.transcriber, recognizer)
    return CascadeEncoder(found)
