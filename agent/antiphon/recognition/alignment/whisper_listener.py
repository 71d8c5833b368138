"""What aligners that listen with a Whisper have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from antiphon.recognition.transcript import Options
from antiphon.recognition.whisper.likelihood import log_likelihoods
from antiphon.recognition.whisper.recognizer import WhisperRecognizer

Sound = NDArray[np.float32]


class WhisperListener:
    """Hears utterances, and says how likely a text is said in one: see `JudgingAligner`.

    Args:
        recognizer: the Whisper.
    """

    def __init__(self, recognizer: WhisperRecognizer) -> None:
        self.recognizer = recognizer

    def hear(self, pcm: Sound, language: str | None) -> str:
        """What is said."""
        state = self.recognizer.start(Options(language=language))
        heard = self.recognizer.finish(self.recognizer.feed(pcm, state))
        return "" if heard.doubt == "no speech" else heard.text

    def judge(
        self,
        pcm: Sound,
        texts: Sequence[Sequence[str]],
        language: str | None,
        *,
        ended: bool = True,
    ) -> list[float]:
        """See `JudgingAligner`."""
        whisper = self.recognizer.transcriber
        request = self.recognizer.start(Options(language=language)).request
        said = [" ".join(["", *text]) for text in texts]
        encoded = whisper.tokenizer.encode_batch(said, add_special_tokens=False)
        decoder = whisper.decoder
        room = decoder.config.max_target_positions - len(decoder.prompt) - 1
        window = whisper.encoder.encode(pcm)[0]
        tokens = [each.ids[:room] for each in encoded]
        return log_likelihoods(decoder, window, tokens, whisper.behind, request, ended=ended)
