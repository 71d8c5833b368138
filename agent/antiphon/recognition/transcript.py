"""What a recognizer is asked for, and what it says was spoken. Times are samples at 16 kHz."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from antiphon.errors import UserError
from antiphon.messages import Doubt
from antiphon.recognition.languages import UNSPACED
from antiphon.recognition.lips.lip_pictures import LipPictures

MAX_CONTEXT_WORDS = 1000
"""Words of context; longer lists help no recognizer."""


@dataclass(frozen=True)
class Options:
    """How a recording is to be transcribed."""

    language: str | None = None
    """ISO 639-1 code of what is spoken; None: it is found."""
    languages: tuple[str, ...] = ()
    """Codes among which it is found; empty: all that the recognizer knows."""
    context: tuple[str, ...] = ()
    """Names and terms that may occur."""
    words: bool = False
    """Whether every word gets its times and confidence."""
    partials: bool = False
    """Whether the text so far is wanted while the recording grows."""
    steps: int = 8
    """Evaluations of a non-autoregressive decoder."""
    candidates: int = 1
    """Texts that a sampling decoder draws; the best is taken."""
    scoring: str = "mode"
    """How the best of several is chosen: mode, mbr or whisper."""
    temperature: float | None = None
    """Of a sampling decoder; None: its own."""
    seed: int = 0
    """Of everything left to chance."""
    rate: int | None = None
    """How many states of the encoder a recognizer with several rates averages to one; None: as
    the load of this process allows."""
    lips: LipPictures | None = field(default=None, compare=False, repr=False)
    """Of whoever speaks, if they are seen."""

    def __post_init__(self) -> None:
        count = sum(len(entry.split()) for entry in self.context)
        if count > MAX_CONTEXT_WORDS:
            raise UserError(
                f"The context has {count} words: give at most {MAX_CONTEXT_WORDS}, "
                "the names and terms that matter."
            )

    def part(self, start: int, length: int | None = None) -> Options:
        """Those of a part of the recording: `length` samples from `start` on; None: all."""
        if self.lips is None:
            return self
        return replace(self, lips=self.lips.part(start, length))


@dataclass(frozen=True)
class Word:
    """A word and where it sounds."""

    text: str
    """As written, without surrounding spaces."""
    start: int
    """First sample."""
    end: int
    """One past the last sample."""
    confidence: float | None = None
    """Probability that it is right, as the recognizer sees it; None: not known."""

    def moved(self, samples: int) -> Word:
        """The word so many samples later."""
        return replace(self, start=self.start + samples, end=self.end + samples)


@dataclass(frozen=True)
class Segment:
    """What is said between two pauses."""

    text: str
    """Without surrounding spaces."""
    start: int
    """First sample."""
    end: int
    """One past the last sample."""
    words: tuple[Word, ...] = ()
    """Empty if they were not asked for, or cannot be had."""
    language: str | None = None
    """ISO 639-1 code."""
    confidence: float | None = None
    """Geometric mean of the probabilities of its tokens."""
    no_speech: float | None = None
    """Probability that nobody speaks."""

    def trimmed(self, first: int, last: int) -> Segment:
        """The segment with its first word begun and its last one over where speech is.

        Where a recognizer looks, the first word begins with the silence in front of it.
        """
        words = list(self.words)
        if words and words[0].start < first < words[0].end:
            words[0] = replace(words[0], start=first)
        if words and words[-1].start < last < words[-1].end:
            words[-1] = replace(words[-1], end=last)
        start = min([max(self.start, first), *(word.start for word in words[:1])])
        end = max([min(self.end, last), *(word.end for word in words[-1:])])
        return replace(self, start=start, end=end, words=tuple(words))

    def placed(self, start: int, length: int) -> Segment:
        """The segment of an utterance [length] that begins at `start`, in a recording.

        A last frame may go beyond the sound it holds; times do not.
        """

        def at(sample: int) -> int:
            return start + min(sample, length)

        words = tuple(
            replace(word, start=min(at(word.start), at(length) - 1), end=at(word.end))
            for word in self.words
        )
        return replace(self, start=at(self.start), end=at(self.end), words=words)


@dataclass(frozen=True)
class Transcript:
    """What was said in a recording."""

    text: str
    """The words, without surrounding spaces; empty if there were none."""
    complete: float | None = None
    """Log odds that the turn is complete, by its sound; None: the recognizer does not judge it."""
    doubt: Doubt | None = None
    """Why the words are not to be believed; None: they are."""
    language: str | None = None
    """ISO 639-1 code of most of what is said; None: nothing is, or it is not known."""
    language_confidence: float | None = None
    """Probability of the language."""
    segments: tuple[Segment, ...] = ()
    """In the order of time; empty if the recognizer knows no times."""
    duration: int = 0
    """Samples of the whole recording."""
    recognizer: str = ""
    """Its name."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was left out, and why."""
    rate: int | None = None
    """How many encoder states were averaged to one; None: the recognizer has but one rate."""

    @property
    def words(self) -> tuple[Word, ...]:
        """All words with their times."""
        return tuple(word for segment in self.segments for word in segment.words)


@dataclass(frozen=True)
class Partial:
    """The text of a recording that still grows."""

    text: str
    """Is only ever appended to."""
    unsure: str = ""
    """What may follow it, and may change."""


def joined(texts: Iterable[str], language: str | None = None) -> str:
    """Texts of segments one after another, with spaces where the language has them."""
    return ("" if language in UNSPACED else " ").join(text for text in texts if text)
