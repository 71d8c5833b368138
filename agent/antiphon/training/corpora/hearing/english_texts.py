"""What synthetic voices say in English to a recognizer that learns to hear words.

Of questions and turns alone it learns whole words by heart: it misheard 26 of 100 words in clips
of the corpus, 44 in new sentences by the same voices, and 92 where usual words followed each other
at random. So these are said, too, sentences of a book, and what WordNet (Fellbaum 1998) says of
all words: how each is used, and what it means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from antiphon.errors import UserError
from antiphon.training.corpora.hearing.heard_speech import Questions, has_number

WORDS, BOOK, DICTIONARY = 0.2, 0.05, 0.4
"""Shares of words at random, of sentences of the book and of texts of WordNet; the rest is
questions and turns."""
USED = 0.6
"""Share of examples among the texts of WordNet; the rest is meanings."""
FEWEST, MOST = 3, 7
"""Words that follow each other at random."""
FLAT = 0.35
"""Power of a word's frequency by which it is drawn: at 1 hardly a rare one would be."""


WORDNET = Path("/usr/share/wordnet")
"""Where Debian's package wordnet-base keeps it."""
SPEAKABLE = re.compile(r"[A-Za-z][A-Za-z ,.'!?-]{11,105}")


class EnglishTexts:
    """Draws texts without numbers.

    Args:
        data: the data folder (docs/data.md).
        book: sentences.
        usual: words with their shares of all words.
        dictionary: examples and meanings of words.
    """

    def __init__(
        self,
        data: Path,
        book: Sequence[str],
        usual: Sequence[tuple[str, float]],
        dictionary: tuple[Sequence[str], Sequence[str]],
    ) -> None:
        self.questions, self.book, self.dictionary = Questions(data, has_number), book, dictionary
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
        if kind < WORDS + BOOK + DICTIONARY:
            texts = self.dictionary[int(rng.random() >= USED)]
            return texts[int(rng.integers(len(texts)))]
        text = self.questions.draw(rng)
        while has_number(text):
            text = self.questions.draw(rng)
        return text


def dictionary_texts(folder: Path = WORDNET) -> tuple[list[str], list[str]]:
    """Examples and meanings of WordNet's words, three words or more each.

    Raises:
        UserError: It is not installed.
    """
    files = sorted(folder.glob("data.*"))
    if not files:
        raise UserError("There are no texts of WordNet: install Debian's package wordnet-base.")
    examples, meanings = set[str](), set[str]()
    for file in files:
        for line in file.read_text("latin-1").splitlines():
            _, _, said = line.partition(" | ")
            examples.update(re.findall(r'"([^"]+)"', said))
            meant, _, _ = re.sub(r"\([^)]*\)", "", said).partition('"')
            meanings.update(part.strip(" ;:,") for part in meant.split(";"))
    return _speakable(examples), _speakable(meanings)


def _speakable(texts: set[str]) -> list[str]:
    spaced = {" ".join(text.split()) for text in texts}
    kept = {t for t in spaced if SPEAKABLE.fullmatch(t) and t.count(" ") > 1 and not has_number(t)}
    return sorted(text[0].upper() + text[1:] for text in kept)
