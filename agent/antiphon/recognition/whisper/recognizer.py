"""Whisper behind the `Recognizer` protocol, with the states other models build on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from antiphon import weights
from antiphon.mel import HOP
from antiphon.recognition.context import echoes
from antiphon.recognition.languages import UNSPACED, require_known
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Options, Segment, Transcript
from antiphon.recognition.whisper.audio_encoder import MAX_FRAMES, EncoderState
from antiphon.recognition.whisper.decoding import Request
from antiphon.recognition.whisper.transcriber import Hearing, Transcriber, Transcription
from antiphon.recognition.whisper.turn_end_head import TurnEndHead
from antiphon.recognition.whisper.word_times import FRAME, words

REFRESH_SAMPLES = SAMPLE_RATE
"""Samples after which a recording is heard again while it grows, at the earliest."""
REFRESH_SHARE = 4
"""It is heard again when one in so many samples of its window is new. The windows heard grow by a
third from one to the next, so that all of them are at most four times as long as the sound."""
ENGLISH = "en"
CONVERSATION = Options(language=ENGLISH)
"""What is asked for in a conversation with the agent."""
CONTEXT_TOKENS = 200
"""Tokens of context the decoder is shown; half of its positions are the transcript's."""


@dataclass(frozen=True)
class WhisperState:
    """A recording and its last transcription."""

    encoder: EncoderState
    """The audio so far."""
    fresh: int = 0
    """Samples since it was heard last."""
    hearing: Hearing | None = None
    """What was heard then."""
    options: Options = CONVERSATION
    """What is asked for."""
    request: Request | None = None
    """The same in the decoder's tokens."""


class WhisperRecognizer:
    """Hears again and again while the audio grows, so that little is left to do at its end.

    Args:
        transcriber: Whisper.
        turn_end: judges whether a turn is complete; None: nothing does.
        name: of the weights, for messages.
    """

    longest = MAX_FRAMES * HOP
    """Samples of the longest utterance it hears as one."""

    def __init__(
        self, transcriber: Transcriber, turn_end: TurnEndHead | None = None, name: str = "Whisper"
    ) -> None:
        self.transcriber, self.turn_end, self.name = transcriber, turn_end, name
        self.marks = transcriber.languages()
        self.languages = tuple(self.marks) or (ENGLISH,)

    def start(self, options: Options | None = None) -> WhisperState:
        """State before the first sample. None: of a conversation, which is in English."""
        state = WhisperState(self.transcriber.encoder.start())
        if options is None:
            return state
        return replace(state, options=options, request=self._request(options))

    def _request(self, options: Options) -> Request:
        """What is asked for, in tokens.

        Raises:
            UserError: It does not know a language.
        """
        wanted = (options.language,) if options.language else options.languages
        known = [require_known(each, self.languages, self.name) for each in wanted]
        marks = [self.marks[each] for each in known or self.languages if each in self.marks]
        context = self.transcriber.tokenizer.encode(
            " " + ", ".join(options.context), add_special_tokens=False
        )
        return Request(tuple(marks), tuple(context.ids[:CONTEXT_TOKENS] if options.context else ()))

    def feed(self, pcm: NDArray[np.float32], state: WhisperState) -> WhisperState:
        """State after `pcm` [N], mono, 16 kHz."""
        encoder = self.transcriber.encoder.feed(pcm, state.encoder)
        fresh = state.fresh + len(pcm)
        due = max(REFRESH_SAMPLES, len(encoder.mel) * HOP // REFRESH_SHARE)
        if not state.fresh or fresh < due:  # what comes at once may be all there is
            return replace(state, encoder=encoder, fresh=fresh)
        hearing = self.transcriber.hear(encoder, state.hearing, state.request)
        return replace(state, encoder=encoder, fresh=0, hearing=hearing)

    def fresh(self, state: WhisperState) -> bool:
        """Whether all of the audio has just been heard, so that `finish` costs next to nothing."""
        return state.hearing is not None and not state.fresh

    def finish(self, state: WhisperState) -> Transcript:
        """The transcript, if the audio ends here."""
        hearing = self.hearing(state)
        transcription = self.transcriber.transcription(hearing)
        if state.options.context and echoes(transcription.text, state.options.context):
            plain = replace(state.options, context=())
            return self.finish(
                replace(state, hearing=None, options=plain, request=self._request(plain))
            )
        segments = self.segments(hearing, words_too=state.options.words)
        likeliest = max(hearing.transcripts, key=lambda t: len(t.tokens), default=None)
        return Transcript(
            transcription.text,
            self.complete(transcription),
            transcription.doubt,
            self._language(likeliest.mark) if likeliest else None,
            likeliest.language if likeliest else None,
            segments,
            sum(map(len, hearing.windows)) * FRAME,
            self.name,
        )

    def transcribe_batch(
        self, clips: Sequence[NDArray[np.float32]], options: Options
    ) -> list[Transcript]:
        """See `BatchRecognizer`: the decoder reads all of them at once."""
        begun = self.start(options)
        states = [self.feed(clip, begun) for clip in clips]
        single = [s for s in states if not s.encoder.done and len(s.encoder.mel)]
        together = self.transcriber.hear_together([s.encoder for s in single], begun.request)
        heard = dict(zip(map(id, single), together, strict=True))
        return [
            self.finish(replace(s, fresh=0, hearing=heard[id(s)]) if id(s) in heard else s)
            for s in states
        ]

    def segments(self, hearing: Hearing, *, words_too: bool) -> tuple[Segment, ...]:
        """The windows of a hearing in which something is said.

        Args:
            hearing: of a recording.
            words_too: whether words get their times.
        """
        found, at = list[Segment](), 0
        tokenizer = self.transcriber.tokenizer
        for states, heard in zip(hearing.windows, hearing.transcripts, strict=True):
            text = tokenizer.decode(list(heard.tokens)).strip()
            language = self._language(heard.mark)
            spaced = language not in UNSPACED
            said = words(heard, tokenizer, spaced=spaced) if words_too else ()
            sure = float(heard.log_probs.mean().exp())
            length = len(states) * FRAME
            if text:
                whole = Segment(text, 0, length, said, language, sure, heard.no_speech)
                found.append(whole.placed(at * FRAME, length))
            at += len(states)
        return tuple(found)

    def _language(self, mark: int | None) -> str:
        return next((code for code, each in self.marks.items() if each == mark), ENGLISH)

    def hearing(self, state: WhisperState) -> Hearing:
        """What is heard, if the audio ends here."""
        if state.hearing is None or state.fresh:
            return self.transcriber.hear(state.encoder, state.hearing, state.request)
        return state.hearing

    def transcription(self, state: WhisperState) -> Transcription:
        """The transcript with Whisper's states."""
        return self.transcriber.transcription(self.hearing(state))

    def complete(self, transcription: Transcription) -> float | None:
        """Log odds that the turn is complete; None: nothing judges it, or there is no audio."""
        if self.turn_end is None or not len(transcription.frames):
            return None
        return self.turn_end(transcription.frames)


def load(name: str) -> WhisperRecognizer:
    """The Whisper of a name, folder or hub id, with the turn-end head trained for it, if any."""
    return WhisperRecognizer(
        Transcriber.load(weights.path(name)), TurnEndHead.for_recognizer(name), name
    )
