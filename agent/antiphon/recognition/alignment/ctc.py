"""Alignment by a CTC head: the middle of a Drax that was trained here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.recognition.alignment.aligner import LongAligner
from antiphon.recognition.alignment.viterbi import align
from antiphon.recognition.drax.recognizer import PAIR, DraxRecognizer, paired
from antiphon.recognition.recognizer import SAMPLE_RATE, from_pretrained
from antiphon.recognition.transcript import Options, Word

Sound = NDArray[np.float32]

LONG_GAP = int(0.4 * SAMPLE_RATE)
"""Samples between two words' labels from which there is a pause between the words."""
AFTER = int(0.2 * SAMPLE_RATE)
"""Samples that a word goes on behind its last label, before a pause: labels come early."""


class CtcAligner:
    """Places words in an utterance by Viterbi over a CTC head's probabilities.

    Args:
        recognizer: Drax.
    """

    languages: tuple[str, ...] = ("en",)

    def __init__(self, recognizer: DraxRecognizer) -> None:
        self.recognizer, self.name = recognizer, f"CTC of {recognizer.name}"
        self.longest = recognizer.longest

    def hear(self, pcm: Sound, language: str | None) -> str:
        """What is said, by the head's best labels."""
        state = self.recognizer.start(Options(steps=0))
        return self.recognizer.finish(self.recognizer.feed(pcm, state)).text

    @torch.no_grad()
    def place(self, pcm: Sound, words: Sequence[str], language: str | None) -> list[Word]:
        """The words in an utterance [N]."""
        frames = self.recognizer.transcriber.encoder.whole(pcm)
        middle = self.recognizer.model.middle
        log_probs = middle.log_probs(middle.read(paired(frames)[None]))[0]
        scores = log_probs.float().numpy()
        tokens, firsts = list[int](), list[int]()
        for word in words:
            firsts.append(len(tokens))
            tokens += self.recognizer.vocabulary.encode(word)
        slots = align(scores, tokens, scores.shape[1] - 1)
        if not slots:  # too many words for so little sound
            step = len(pcm) // len(words)
            return [Word(w, i * step, (i + 1) * step, 0.0) for i, w in enumerate(words)]
        found = []
        lasts = [*firsts[1:], len(tokens)]
        for word, first, last in zip(words, firsts, lasts, strict=True):
            # A word of signs alone has no label: it is where the next one begins.
            start = slots[min(first, len(slots) - 1)] * PAIR
            said = slots[first:last]
            end = (said[-1] + 1) * PAIR if said else start + PAIR
            after = slots[last] * PAIR if last < len(slots) else len(pcm)
            end = after if after - end < LONG_GAP else end + AFTER
            chosen = scores[said, tokens[first:last]] if said else np.zeros(1)
            found.append(Word(word, start, end, float(np.exp(chosen.mean()))))
        return found


def load(recognizer: str) -> LongAligner:
    """The aligner by the CTC head of the Drax of a name or folder.

    Raises:
        UserError: It is no Drax.
    """
    found = from_pretrained(recognizer)
    if not isinstance(found, DraxRecognizer):
        raise UserError(
            f"Alignment by CTC needs a Drax, and {recognizer} is none: give its folder with "
            "--recognizer (`antiphon train drax` makes one), or choose --aligner attention."
        )
    return LongAligner(CtcAligner(found))
