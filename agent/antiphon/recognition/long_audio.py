"""Recordings of any length: cut where nobody speaks, and transcribed utterance by utterance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.messages import Doubt
from antiphon.recognition import agreement, hearing_rate, recognizer
from antiphon.recognition.agreement import Growing
from antiphon.recognition.alignment.aligner import ALIGNERS, UtteranceAligner, repaired
from antiphon.recognition.languages import require_known
from antiphon.recognition.lips import lip_pictures
from antiphon.recognition.recognizer import SAMPLE_RATE, BatchRecognizer, Recognizer
from antiphon.recognition.segmentation import Segmenter, SegmenterState, Utterance
from antiphon.recognition.transcript import Options, Partial, Segment, Transcript, joined

Sound = NDArray[np.float32]

LONGEST = 25 * SAMPLE_RATE
"""Samples of an utterance at most, if the recognizer does not say."""
REFRESH = SAMPLE_RATE
"""Samples after which a growing utterance is heard again, if its text so far is wanted and the
recognizer does not say."""
BLOCK = 10 * SAMPLE_RATE
"""Samples of a recording that are taken at a time."""


@dataclass(frozen=True)
class Session:
    """An utterance as far as a recognizer has heard it."""

    start: int
    """First sample of the utterance in the recording."""
    fed: int
    """Samples of it that were heard."""
    state: Any


@dataclass(frozen=True)
class LongAudioState:
    """A recording so far. Values are never changed in place."""

    cuts: SegmenterState
    options: Options
    length: int = 0
    """Samples so far."""
    heard: tuple[Transcript, ...] = ()
    """Utterances that are over; their times are those of the recording."""
    growing: Growing = field(default_factory=Growing)
    """The text so far, if it is wanted."""
    fresh: int = 0
    """Samples since the utterance that goes on was heard."""
    session: Session | None = None
    """The recognizer's session of that utterance."""


class LongAudio:
    """Transcribes recordings of any length in bounded memory, by any recognizer.

    A recording that comes in pieces gives the transcript of the whole one. Its text so far
    (`partial`) only grows; a word in it that a later hearing of the utterance contradicts stays
    there, and is right in the transcript.

    Args:
        recognizer: of single utterances. Its attributes `longest` (samples of an utterance),
            `refresh` (samples between hearings of one that grows), `languages` (codes), `rates`
            and `sees` (lips) are used if it has them.
        segmenter: finds utterances; None makes one.
        name: of the recognizer, for transcripts and messages.
        aligner: gives words their times and confidence instead of the recognizer.

    Raises:
        UserError: The model that finds speech is neither cached nor to be fetched.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        segmenter: Segmenter | None = None,
        name: str = "",
        aligner: UtteranceAligner | None = None,
    ) -> None:
        self.recognizer, self.name = recognizer, name or getattr(recognizer, "name", "")
        self.languages: tuple[str, ...] = tuple(getattr(recognizer, "languages", ()))
        self.sees = bool(getattr(recognizer, "sees", False))
        """Whether it reads lips, too."""
        self._aligner = aligner
        self._refresh: int = getattr(recognizer, "refresh", REFRESH)
        limits = [getattr(each, "longest", LONGEST) for each in (recognizer, aligner) if each]
        self._segmenter = segmenter or Segmenter(min(limits))

    def start(self, options: Options | None = None) -> LongAudioState:
        """State before the first sample.

        Raises:
            UserError: The recognizer does not know a language of the options, or its rate, or
                sees no lips.
        """
        options = options or Options()
        if options.lips is not None:
            lip_pictures.require(self.sees, self.name)
        for given in (*options.languages, *([options.language] if options.language else [])):
            require_known(given, self.languages, self.name)
        rates: Sequence[int] = getattr(self.recognizer, "rates", ())
        hearing_rate.require(options.rate, rates, self.name)
        return LongAudioState(self._segmenter.start(), options)

    def feed(self, pcm: Sound, state: LongAudioState) -> LongAudioState:
        """State after `pcm` [N], mono, 16 kHz."""
        for first in range(0, len(pcm), BLOCK):
            state = self._feed(pcm[first : first + BLOCK], state)
        return state

    def _feed(self, pcm: Sound, state: LongAudioState) -> LongAudioState:
        over, cuts = self._segmenter.step(pcm, state.cuts)
        state = replace(state, cuts=cuts, length=state.length + len(pcm))
        for utterance in over:
            state = self._close(utterance, state)
        if not state.options.partials:
            return state
        state = replace(state, fresh=state.fresh + len(pcm))
        if cuts.open and state.fresh >= self._refresh:
            session = self._listen(cuts, state)
            growing = agreement.hear(state.growing, self.recognizer.finish(session.state).text)
            return replace(state, growing=growing, fresh=0, session=session)
        return state

    def _listen(self, cuts: SegmenterState, state: LongAudioState) -> Session:
        """The session of the utterance that goes on, with all of it heard."""
        session, pcm = state.session, cuts.pcm
        if session is None or session.start != cuts.start:
            wanted = replace(state.options, words=False).part(cuts.start)
            begun = self.recognizer.start(wanted)
            session = Session(cuts.start, 0, begun)
        heard = self.recognizer.feed(pcm[session.fed :], session.state)
        return Session(session.start, len(pcm), heard)

    def partial(self, state: LongAudioState) -> Partial:
        """The text so far; nothing unless the options ask for it."""
        return state.growing.partial

    def end(self, state: LongAudioState) -> LongAudioState:
        """State if the audio ends here: the utterance that goes on is over."""
        for utterance in self._segmenter.finish(state.cuts):
            state = self._close(utterance, state)
        return replace(state, cuts=self._segmenter.start())

    def finish(self, state: LongAudioState) -> Transcript:
        """The transcript, if the audio ends here; feeding may go on."""
        return merged(self.end(state).heard, state.length, self.name)

    def transcribe(self, pcm: Sound, options: Options | None = None) -> Transcript:
        """The transcript of a recording [N], mono, 16 kHz."""
        return self.finish(self.feed(pcm, self.start(options)))

    def utterances(self, pieces: Iterable[Sound]) -> Iterator[Utterance]:
        """The utterances of a recording that comes in pieces [N], as soon as each is over."""
        state = self._segmenter.start()
        for pcm in pieces:
            for first in range(0, len(pcm), BLOCK):
                over, state = self._segmenter.step(pcm[first : first + BLOCK], state)
                yield from over
        yield from self._segmenter.finish(state)

    def hear(self, utterances: Sequence[Utterance], options: Options) -> list[Transcript]:
        """Transcripts of utterances of any recordings, with the times of these; empty: no speech.

        All are heard at once if the recognizer can do so and no lips are seen.
        """
        inner, clips = self.recognizer, [each.pcm for each in utterances]
        if len(clips) > 1 and isinstance(inner, BatchRecognizer) and options.lips is None:
            heard = inner.transcribe_batch(clips, options)
        else:
            wanted = [options.part(each.start, len(each.pcm)) for each in utterances]
            heard = [
                inner.finish(inner.feed(pcm, inner.start(each)))
                for pcm, each in zip(clips, wanted, strict=True)
            ]
        return [
            self._placed(said, each, options) for said, each in zip(heard, utterances, strict=True)
        ]

    def _close(self, utterance: Utterance, state: LongAudioState) -> LongAudioState:
        (heard,) = self.hear([utterance], replace(state.options, partials=False))
        growing = agreement.close(state.growing, heard.text)
        if not heard.text:
            return replace(state, growing=growing)
        return replace(state, heard=(*state.heard, heard), growing=growing, fresh=0)

    def _placed(self, heard: Transcript, utterance: Utterance, options: Options) -> Transcript:
        if heard.doubt == "no speech" or not heard.text:
            return Transcript("")
        if options.words:
            heard = self._aligned(heard, utterance.pcm)
        segments = heard.segments or (Segment(heard.text, 0, len(utterance.pcm)),)
        length = len(utterance.pcm)
        first, last = utterance.first, utterance.last
        if len(segments) == 1:
            segments = (segments[0].trimmed(first, last),)
        placed = tuple(each.placed(utterance.start, length) for each in segments)
        return replace(heard, segments=placed)

    def _aligned(self, heard: Transcript, pcm: Sound) -> Transcript:
        """The transcript of an utterance [N] with the aligner's words, if there is one for it."""
        aligner = self._aligner
        if aligner is None or (aligner.languages and heard.language not in aligner.languages):
            return heard
        words = aligner.place(pcm, heard.text.split(), heard.language)
        whole = Segment(heard.text, 0, len(pcm), repaired(words, len(pcm)), heard.language)
        return replace(heard, segments=(whole,), notes=())


def from_pretrained(name: str, aligner: str = "") -> LongAudio:
    """A recognizer for recordings of any length.

    Args:
        name: a registered name, a folder, or a model hub id.
        aligner: a registered name; "" leaves words to the recognizer.

    Raises:
        UserError: There is no such recognizer or aligner, or it cannot be fetched.
    """
    placing = None
    if aligner:
        placing = getattr(ALIGNERS.get(aligner)(name), "inner", None)
        if placing is None:
            raise UserError(f"{aligner} aligns whole recordings only: use `antiphon align`.")
    return LongAudio(recognizer.from_pretrained(name), name=name, aligner=placing)


REASONS: dict[Doubt, str] = {
    "loop": "repeats itself and may be wrong",
    "language": "may be in another language than it was written in",
    "unclear": "was hard to hear and may be wrong",
}
"""Why a part of a transcript is to be read with care."""


def merged(heard: Sequence[Transcript], length: int, name: str) -> Transcript:
    """The transcripts of a recording's utterances as one.

    Args:
        heard: transcripts with times of the recording, none empty.
        length: samples of the recording.
        name: of the recognizer.
    """
    segments = tuple(segment for each in heard for segment in each.segments)
    weights = Counter[str]()
    for each in heard:
        if each.language:
            weights[each.language] += len(each.text)
    language = weights.most_common(1)[0][0] if weights else None
    sure = [t.language_confidence for t in heard if t.language == language]
    known = [p for p in sure if p is not None]
    notes = [
        f"From {each.segments[0].start / SAMPLE_RATE:.1f} s on, what was heard "
        f"{REASONS[each.doubt]}."
        for each in heard
        if each.doubt in REASONS
    ]
    return Transcript(
        joined((each.text for each in heard), language),
        complete=heard[-1].complete if heard else None,
        doubt=None if heard else "no speech",
        language=language,
        language_confidence=sum(known) / len(known) if known else None,
        segments=segments,
        duration=length,
        recognizer=name,
        notes=(*notes, *dict.fromkeys(note for each in heard for note in each.notes)),
    )
