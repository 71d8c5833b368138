"""What synthetic voices say in English to a recognizer that learns to hear words.

Of questions and turns alone it learns whole words by heart: it misheard 26 of 100 words in clips
of the corpus, 44 in new sentences by the same voices, and 92 where usual words followed each other
at random. So these are said, too, and sentences of a book.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from antiphon.training.corpora.hearing.heard_speech import Questions, has_number

WORDS, BOOK = 0.25, 0.1
"""Shares of words at random and of sentences of the book; the rest is questions and turns."""
FEWEST, MOST = 3, 7
"""Words that follow each other at random."""
FLAT = 0.35
"""Power of a word's frequency by which it is drawn: at 1 hardly a rare one would be."""


class EnglishTexts:
    """Draws texts without numbers.

    Args:
        data: the data folder (docs/data.md).
        book: sentences.
        usual: words with their shares of all words.
    """

    def __init__(self, data: Path, book: Sequence[str], usual: Sequence[tuple[str, float]]) -> None:
        self.questions, self.book = Questions(data, has_number), book
        known = [(word, share) for word, share in usual if word.isalpha() and len(word) > 1]
        self.words = [word for word, _ in known]
        likely = np.array([share for _, share in known]) ** FLAT
        self._sums = np.cumsum(likely / likely.sum())

    def draw(self, rng: np.random.Generator) -> str:
        """A text."""
        kind = rng.random()
        if kind < WORDS:
            at = np.searchsorted(self._sums, rng.random(int(rng.integers(FEWEST, MOST + 1))))
            said = " ".join(self.words[min(int(i), len(self.words) - 1)] for i in at)
            return said[0].upper() + said[1:]
        if kind < WORDS + BOOK:
            return self.book[int(rng.integers(len(self.book)))]
        text = self.questions.draw(rng)
        while has_number(text):
            text = self.questions.draw(rng)
        return text
