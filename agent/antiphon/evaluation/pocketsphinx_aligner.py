"""Alignment by an HMM over phones, to compare with: pocketsphinx with its own English model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.recognition.alignment.aligner import Alignment, repaired
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Word

Sound = NDArray[np.float32]

BEFORE = SAMPLE_RATE // 4 + 80
"""Samples of silence (0.255 s: half a frame aside) before a recording that is aligned again."""
STEADY = SAMPLE_RATE // 25
"""Samples (40 ms) by which a word may move then."""


class PocketsphinxAligner:
    """Places words by pocketsphinx.

    Raises:
        UserError: It is not installed.
    """

    name = "pocketsphinx"

    def __init__(self) -> None:
        try:
            from pocketsphinx import Config, Decoder
        except ImportError as error:
            raise UserError(
                "To compare with pocketsphinx install it: pip install 'antiphon[eval]'."
            ) from error
        self._config: Any = Config(lm=None, loglevel="FATAL")
        self._decoder: Any = Decoder(self._config)
        self._frame = SAMPLE_RATE // int(self._config["frate"])

    def knows(self, text: str) -> bool:
        """Whether all words of a text are in its dictionary."""
        return all(self._decoder.lookup_word(bare(word)) is not None for word in text.split())

    def align(self, pcm: Sound, text: str, language: str | None = None) -> Alignment:
        """See `Aligner`; words that it cannot place stand where the last one ends."""
        words = text.split()
        self._decoder.set_align_text(" ".join(map(bare, words)))
        self._decoder.start_utt()
        loud = np.clip(pcm, -1, 1) * 32767
        self._decoder.process_raw(loud.astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        segments = [s for s in self._decoder.seg() or () if not s.word.startswith(("<", "["))]
        found, at = list[Word](), 0
        for i, word in enumerate(words):
            if i < len(segments):
                start = segments[i].start_frame * self._frame
                at = (segments[i].end_frame + 1) * self._frame
                found.append(Word(word, start, at))
            else:
                found.append(Word(word, at, at))
        return Alignment(repaired(found, len(pcm)), len(pcm))


def steady(aligner: PocketsphinxAligner, pcm: Sound, text: str) -> tuple[Word, ...]:
    """The words of a recording [N], if they are at the same places when silence is put before it.

    Returns:
        The words; none if one of them moves by more than `STEADY`.
    """
    first = aligner.align(pcm, text).words
    later = aligner.align(np.concatenate([np.zeros(BEFORE, np.float32), pcm]), text).words
    moved = [
        max(abs(b.start - BEFORE - a.start), abs(b.end - BEFORE - a.end))
        for a, b in zip(first, later, strict=True)
    ]
    return first if max(moved) <= STEADY else ()


def bare(word: str) -> str:
    """A word as its dictionary writes it."""
    return word.strip(".,!?").lower()
