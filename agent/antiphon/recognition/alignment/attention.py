"""Alignment by where Whisper's decoder looks while it reads the text (dynamic time warping)."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.errors import UserError
from antiphon.recognition.alignment.aligner import LongAligner
from antiphon.recognition.alignment.whisper_listener import Sound, WhisperListener
from antiphon.recognition.recognizer import from_pretrained
from antiphon.recognition.transcript import Options, Word
from antiphon.recognition.whisper.recognizer import WhisperRecognizer
from antiphon.recognition.whisper.word_times import words as word_times


class AttentionAligner(WhisperListener):
    """Places words in an utterance by a Whisper's cross-attention.

    Args:
        recognizer: Whisper.
    """

    languages: tuple[str, ...] = ()

    def __init__(self, recognizer: WhisperRecognizer) -> None:
        super().__init__(recognizer)
        self.name = f"attention of {recognizer.name}"
        self.longest = recognizer.longest

    def place(self, pcm: Sound, words: Sequence[str], language: str | None) -> list[Word]:
        """The words in an utterance [N], which is cut into windows if it is longer than one."""
        whisper = self.recognizer.transcriber
        request = self.recognizer.start(Options(language=language)).request
        window = whisper.encoder.encode(pcm)[0]
        tokens, ends = list[int](), list[int]()
        for word in words:
            tokens += whisper.tokenizer.encode(f" {word}", add_special_tokens=False).ids
            ends.append(len(tokens))
        room = whisper.decoder.config.max_target_positions - len(whisper.decoder.prompt)
        read = whisper.decoder.read(window, tokens[:room], whisper.behind, request)
        pieces = iter(word_times(read, _Marks(ends), spaced=True))
        fallback = Word("", len(pcm) - 1, len(pcm), 0.0)
        found = []
        for word in words:
            placed = next(pieces, fallback)
            found.append(Word(word, placed.start, placed.end, placed.confidence))
        return found


class _Marks:
    """Decodes the tokens of a text as a letter each, so that its words stay what they are."""

    def __init__(self, ends: Sequence[int]) -> None:
        self._begins = {0, *ends[:-1]}

    def decode(self, ids: Sequence[int]) -> str:
        """A letter for each token, with a space in front of each word."""
        return "".join(" w" if i in self._begins else "w" for i in range(len(ids)))


def load(recognizer: str) -> LongAligner:
    """The aligner by the attention of the Whisper of a name or folder.

    Raises:
        UserError: It is no Whisper.
    """
    found = from_pretrained(recognizer)
    if not isinstance(found, WhisperRecognizer):
        raise UserError(
            f"Alignment by attention needs a Whisper, and {recognizer} is none: "
            "choose whisper-base."
        )
    return LongAligner(AttentionAligner(found))
