"""Speech to the language model's tokens: ears, adapter, language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from antiphon.s2t.speech_to_text import SpeechToText


def load_ears(
    ears: str = "s2t", *, llm: str = "smollm2-135m-instruct", encoder: str = "whisper-tiny.en"
) -> SpeechToText:
    """The front half with the ears named: see `SpeechToText.load`."""
    from antiphon.s2t.speech_to_text import SpeechToText

    return SpeechToText.load(llm, encoder, ears=ears)
