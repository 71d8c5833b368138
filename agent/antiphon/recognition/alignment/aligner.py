"""Aligners: one protocol, and alignment of long recordings by what is recognized in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.recognition.alignment.sharing import Border, borders, fits
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.segmentation import Segmenter, Utterance
from antiphon.recognition.transcript import Segment, Transcript, Word
from antiphon.registry import Registry

Sound = NDArray[np.float32]

DOUBTFUL = 0.2
"""Mean confidence of words below which they are not what is said."""
STRETCH = 8
"""Words that are judged together."""
BESIDE = 8
"""Words that are read behind those of which it is asked to which part they belong."""
COMPARISONS = 4
"""Times that places of a border are compared at most, each time near the best so far."""
SHORTEST = SAMPLE_RATE // 50
"""Samples of a word at least."""


@dataclass(frozen=True)
class Alignment:
    """A text and where its words are spoken."""

    words: tuple[Word, ...]
    """All words of the text; none overlap, none has no length."""
    duration: int
    """Samples of the recording."""
    doubtful: float = DOUBTFUL
    """Mean confidence below which words are not what is said: each aligner has its own."""

    @property
    def confidence(self) -> float | None:
        """Geometric mean of the words' confidence; None: there are no words."""
        sure = [word.confidence or 1e-6 for word in self.words]
        return math.exp(sum(map(math.log, sure)) / len(sure)) if sure else None

    @property
    def fits_until(self) -> int | None:
        """Index of the word from which the text is not what is said; None: it fits to its end."""
        sure = np.array([word.confidence or 0.0 for word in self.words])
        for first in range(max(0, len(sure) - STRETCH) + 1):
            stretch = sure[first : first + STRETCH]
            if len(stretch) and stretch.mean() < self.doubtful:
                return first + int((stretch < self.doubtful).argmax())
        return None

    def transcript(self, name: str, language: str | None = None) -> Transcript:
        """The same as a transcript, for the formats of those."""
        segments = [
            Segment(" ".join(w.text for w in group), group[0].start, group[-1].end, tuple(group))
            for group in _sentences(self.words)
        ]
        text = " ".join(word.text for word in self.words)
        return Transcript(text, None, None, language, None, tuple(segments), self.duration, name)


class Aligner(Protocol):
    """Finds when the words of a text are spoken."""

    name: str

    def align(self, pcm: Sound, text: str, language: str | None = None) -> Alignment:
        """The words of `text` in a recording [N], mono, 16 kHz.

        Args:
            pcm: the recording.
            text: what is said in it.
            language: code; None: it is found.

        Raises:
            UserError: The text is empty, or nobody speaks.
        """


ALIGNERS: Registry[Callable[[str], Aligner]] = Registry(
    "aligner",
    "antiphon.aligners",
    {
        "attention": "antiphon.recognition.alignment.attention:load",
        "ctc": "antiphon.recognition.alignment.ctc:load",
        "qwen3": "antiphon.recognition.alignment.slots:load",
        "slots": "antiphon.recognition.alignment.whisper_slots:load",
    },
)
"""Functions of the name of a recognizer that load an aligner."""


class UtteranceAligner(Protocol):
    """What places words in a short recording."""

    name: str
    longest: int
    """Samples of a recording at most."""
    languages: tuple[str, ...]
    """Codes of the languages it knows; empty: all."""

    def hear(self, pcm: Sound, language: str | None) -> str:
        """What is said, as far as it knows."""

    def place(self, pcm: Sound, words: Sequence[str], language: str | None) -> list[Word]:
        """The words, at least one, in an utterance [N]."""


@runtime_checkable
class JudgingAligner(UtteranceAligner, Protocol):
    """One that also says how likely a text is what is said."""

    def judge(
        self,
        pcm: Sound,
        texts: Sequence[Sequence[str]],
        language: str | None,
        *,
        ended: bool = True,
    ) -> list[float]:
        """Log-likelihoods of the words of several texts in an utterance [N].

        Args:
            pcm: the utterance.
            texts: words of each, maybe none.
            language: of them.
            ended: whether nothing is said behind the text.
        """


class LongAligner:
    """Aligns recordings of any length.

    A recording is cut where nobody speaks, and what is heard in each part says which words of the
    text belong there; these are placed within the part. So a word that was left out, or was never
    said, moves its neighbours only. Words between two parts that were heard in neither belong
    where they are likelier to be said.

    Args:
        inner: places words in a part.
        segmenter: cuts; None makes one.
    """

    def __init__(self, inner: UtteranceAligner, segmenter: Segmenter | None = None) -> None:
        self.inner, self.name = inner, inner.name
        self._segmenter = segmenter or Segmenter(inner.longest)

    def align(self, pcm: Sound, text: str, language: str | None = None) -> Alignment:
        """See `Aligner`."""
        words = text.split()
        if not words:
            raise UserError("The text to align is empty: give the words that are said.")
        over, state = self._segmenter.step(pcm, self._segmenter.start())
        parts = [*over, *self._segmenter.finish(state)]
        if not parts:
            raise UserError("Nobody speaks in the recording: give the one that goes with the text.")
        heard = [self.inner.hear(part.pcm, language) for part in parts]
        lengths = [part.last - part.first for part in parts]
        found: list[Word] = []
        first = 0
        for i, border in enumerate([*borders(heard, lengths, words), None]):
            last = len(words)
            if border is not None:
                last = self._border((parts[i], parts[i + 1]), border, first, words, language)
            if last > first:
                found += self._placed(parts[i], words[first:last], language)
            first = last
        doubtful = getattr(self.inner, "doubtful", DOUBTFUL)
        return Alignment(repaired(found, len(pcm)), len(pcm), doubtful)

    def _border(
        self,
        sides: tuple[Utterance, Utterance],
        border: Border,
        first: int,
        words: Sequence[str],
        language: str | None,
    ) -> int:
        """The first word of the later of two parts: where words fit best on either side.

        Places near the likeliest are compared, and if the best of them is the outermost, those
        near that one, too: if little was heard of a part, the likeliest is a guess.

        Args:
            sides: the earlier and the later part.
            border: where the later part may begin.
            first: the first word of the earlier part.
            words: of the text.
            language: of them.
        """
        border = border.behind(first)
        for _ in range(COMPARISONS):
            near = border.near
            if len(near.places) == 1:
                return near.likely
            scores = self._scores(sides, near, first, words, language)
            score = dict(zip(near.places, scores, strict=True))
            best = max(score, key=lambda at: (score[at], -abs(at - border.likely)))
            border = replace(border, likely=best)
            if near.least < best < near.most or best in (border.least, border.most):
                break
        return border.likely

    def _scores(
        self,
        sides: tuple[Utterance, Utterance],
        border: Border,
        first: int,
        words: Sequence[str],
        language: str | None,
    ) -> list[float]:
        """How well words fit on either side of each place of a border.

        That is how sure each word's place is, and how likely the whole is to be said, if the
        aligner knows: either is deceived, by words alike or by a sentence that it knows by heart.
        """
        before, after = sides
        inner, count, last = self.inner, border.most - border.least, border.most + BESIDE
        early = inner.place(before.pcm, words[first : border.most], language)[-count:]
        late = inner.place(after.pcm, words[border.least : last], language)[:count]
        scores = fits([w.confidence for w in early], [w.confidence for w in late])
        if isinstance(inner, JudgingAligner):
            texts = [words[first:at] for at in border.places]
            rests = [words[at:last] for at in border.places]
            judged = (
                inner.judge(before.pcm, texts, language),
                inner.judge(after.pcm, rests, language, ended=False),
            )
            scores = [sum(each) for each in zip(scores, *judged, strict=True)]
        return scores

    def _placed(self, part: Utterance, words: Sequence[str], language: str | None) -> list[Word]:
        placed = tuple(self.inner.place(part.pcm, words, language))
        said = Segment("", 0, len(part.pcm), placed).trimmed(part.first, part.last)
        return [word.moved(part.start) for word in said.words]


def repaired(words: Sequence[Word], length: int) -> tuple[Word, ...]:
    """Words in order, none overlapping and none of no length, within a recording."""
    starts = [max(0, word.start) for word in words]
    for i in range(1, len(starts)):
        starts[i] = max(starts[i], starts[i - 1] + SHORTEST)
    limit = max(length, SHORTEST * len(words))
    for i in range(len(starts) - 1, -1, -1):
        limit -= SHORTEST
        starts[i] = min(starts[i], limit)
        limit = starts[i]
    found = []
    for i, word in enumerate(words):
        free = starts[i + 1] if i + 1 < len(words) else max(length, starts[i] + SHORTEST)
        end = min(max(word.end, starts[i] + SHORTEST), free)
        found.append(Word(word.text, starts[i], end, word.confidence))
    return tuple(found)


def _sentences(words: Sequence[Word]) -> list[list[Word]]:
    groups: list[list[Word]] = []
    for i, word in enumerate(words):
        if not i or words[i - 1].text.endswith((".", "!", "?")):
            groups.append([])
        groups[-1].append(word)
    return groups
