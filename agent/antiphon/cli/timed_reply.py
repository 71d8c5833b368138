"""One answer, measured: what `ask`, `say` and the benchmark share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Segment, Speech, Token, Word

if TYPE_CHECKING:
    from antiphon.agent import Agent
    from antiphon.s2t.question_encoder import Question
    from antiphon.s2t.speech_to_text import QuestionStream

CHUNK = 1600
"""Samples at 16 kHz handed over at a time, as a microphone would (0.1 s)."""

Pcm = NDArray[np.float32]


@dataclass(frozen=True)
class SpokenSegment:
    """A segment and where it sounds."""

    text: str
    start: int
    """First sample, counted from the first sample of the reply."""
    end: int
    """One past the last sample."""
    units: tuple[int, ...]
    words: tuple[Word, ...]


@dataclass
class TimedReply:
    """What has been said so far, and how long it took.

    Times are in seconds since the question ended; a take starts its clock when it is made.

    Args:
        samples_per_unit: of the codec.
        late: seconds by which hearing lagged behind the question's end.
        on_text: called with every piece of the reply's text.
        on_speech: called with every piece of speech.
    """

    samples_per_unit: int
    late: float = 0.0
    on_text: Callable[[str], None] = lambda text: None
    on_speech: Callable[[Speech], None] = lambda piece: None
    text: str = ""
    tokens: int = 0
    tokens_before: int = 0
    """Tokens written when the first sample was handed out."""
    first: float | None = None
    """Seconds to the first sample; None as long as there is none."""
    last: float = 0.0
    """Seconds to the end of the last piece."""
    heard: float = 0.0
    """Seconds until the question was understood."""
    begun: float | None = None
    """Seconds to the first token; None as long as there is none."""
    written: float = 0.0
    """Seconds to the last token before the first sample."""
    pieces: list[Speech] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def listen(self, tokens: Iterable[Token]) -> Iterator[Token]:
        """Pass tokens on, taking note of them."""
        for token in tokens:
            if self.first is None:
                self.written = self._now()
            self.begun = self.written if self.begun is None else self.begun
            self.tokens += 1
            self.text += token.text
            self.on_text(token.text)
            yield token

    def collect(self, speech: Iterable[Speech]) -> TimedReply:
        """TimedReply speech until it ends."""
        for piece in speech:
            self.last = self._now()
            if self.first is None and len(piece.pcm):
                self.first, self.tokens_before = self.last, self.tokens
            self.pieces.append(piece)
            self.on_speech(piece)
        return self

    def understood(self) -> None:
        """Take note that the question is understood."""
        self.heard = self._now()

    def _now(self) -> float:
        return self.late + time.perf_counter() - self.started

    @property
    def stages(self) -> dict[str, float] | None:
        """Milliseconds of what came before the first sample; None if there was none.

        hear: until the question was understood. read: until the language model had its first
        token. write: until the first segment was written. speak: until it sounded.
        """
        if self.first is None or self.begun is None:
            return None
        at = (0.0, self.heard, self.begun, self.written, self.first)
        names = ("hear", "read", "write", "speak")
        return {
            name: round(1000 * (b - a), 1) for name, (a, b) in zip(names, pairwise(at), strict=True)
        }

    @property
    def sample_rate(self) -> int:
        """Samples a second; 0 if nothing was said."""
        return self.pieces[0].sample_rate if self.pieces else 0

    @property
    def pcm(self) -> Pcm:
        """[N] samples of the whole reply."""
        sounds = [piece.pcm for piece in self.pieces]
        return np.concatenate(sounds) if sounds else np.zeros(0, np.float32)

    @property
    def seconds(self) -> float:
        """How long the reply sounds."""
        return len(self.pcm) / self.sample_rate if self.sample_rate else 0.0

    @property
    def rtf(self) -> float:
        """Seconds of work for a second of speech, from the question's end to the last sample."""
        return self.last / self.seconds if self.seconds else float("nan")

    @property
    def segments(self) -> list[SpokenSegment]:
        """The reply by segments, each as long as its units."""
        found: list[SpokenSegment] = []
        for text, units, words in self._by_segment():
            start = found[-1].end if found else 0
            start = words[0].start if words else start
            end = start + len(units) * self.samples_per_unit if units else start
            end = max(end, words[-1].end if words else end)
            found.append(SpokenSegment(text, start, end, units, words))
        return found

    def _by_segment(self) -> Iterator[tuple[str, tuple[int, ...], tuple[Word, ...]]]:
        """Text, units and words of every segment: words come first, units last."""
        text, over = "", True
        units: tuple[int, ...] = ()
        words: tuple[Word, ...] = ()
        for piece in self.pieces:
            if piece.words or over or piece.text != text:
                if text:
                    yield text, units, words
                text, units, words = piece.text, (), piece.words
            units, over = units + piece.units, bool(piece.units)
        if text:
            yield text, units, words

    def report(self) -> dict[str, Any]:
        """What `--json` says of the reply."""
        rate, length = self.sample_rate or 1, len(self.pcm)

        def at(sample: int) -> float:
            return round(min(sample, length) / rate, 4)  # units are planned a little longer

        return {
            "reply": self.text.strip(),
            "sample_rate": self.sample_rate,
            "reply_seconds": round(self.seconds, 3),
            "first_audio_ms": None if self.first is None else round(1000 * self.first, 1),
            "stages": self.stages,
            "rtf": round(self.rtf, 4),
            "tokens_before_first_audio": self.tokens_before,
            "segments": [
                {
                    "text": segment.text,
                    "start_s": at(segment.start),
                    "end_s": at(segment.end),
                    "units": list(segment.units),
                    "words": [
                        {
                            "text": word.text,
                            "start_s": at(word.start),
                            "end_s": at(word.end),
                        }
                        for word in segment.words
                    ],
                }
                for segment in self.segments
            ],
        }


def load_agent(**choices: Any) -> Agent:
    """`Agent.load`, imported late."""
    from antiphon.agent import Agent

    return Agent.from_pretrained(**choices)


def hear(agent: Agent, pcm: Pcm) -> tuple[QuestionStream, float]:
    """Let the agent hear a question as it would from a microphone, all but its last 0.1 s.

    Nothing waits for the clock: the time a live listener would have had for each piece is
    reckoned with instead.

    Args:
        agent: who listens.
        pcm: [N] samples at 16 kHz.

    Returns:
        The hearing, and by how many seconds it was behind when the last piece came.
    """
    stream = agent.s2t.start()
    behind = 0.0
    for at in range(0, last_chunk(pcm), CHUNK):
        began = time.perf_counter()
        stream.feed(pcm[at : at + CHUNK])
        behind = max(0.0, behind + time.perf_counter() - began - CHUNK / 16_000)
    return stream, behind


def last_chunk(pcm: Pcm) -> int:
    """Where the last piece of a question begins."""
    return max(0, (len(pcm) - 1) // CHUNK * CHUNK)


def answer_live(agent: Agent, pcm: Pcm) -> TimedReply:
    """Ask a question as one speaks it, and take the whole answer.

    The clock starts when the last piece of the question is given.

    Args:
        agent: who answers.
        pcm: [N] samples at 16 kHz.
    """
    stream, late = hear(agent, pcm)
    take = TimedReply(agent.voice.samples_per_unit, late)
    stream.feed(pcm[last_chunk(pcm) :])
    return replied(agent, stream, take)


def answer(
    agent: Agent,
    pcm: Pcm,
    *,
    on_question: Callable[[Question], None] = lambda question: None,
    on_text: Callable[[str], None] = lambda text: None,
    on_speech: Callable[[Speech], None] = lambda piece: None,
) -> TimedReply:
    """Answer a recording, which is heard once, as a whole.

    The clock starts when the recording is given.

    Args:
        agent: who answers.
        pcm: [N] samples at 16 kHz.
        on_question: called with what was understood.
        on_text: called with every piece of the reply's text.
        on_speech: called with every piece of speech.
    """
    take = TimedReply(agent.voice.samples_per_unit, 0.0, on_text, on_speech)
    stream = agent.s2t.hear(pcm)
    on_question(stream.finish())
    return replied(agent, stream, take)


def replied(agent: Agent, stream: QuestionStream, take: TimedReply) -> TimedReply:
    """The take with the reply to what was heard."""
    tokens, source = agent.reply(stream)
    take.understood()
    return take.collect(agent.speak(agent.trigger.cut(take.listen(tokens)), source=source))


def read_aloud(
    agent: Agent,
    tokens: Iterable[Token],
    *,
    on_segment: Callable[[Segment], object] = lambda segment: None,
) -> TimedReply:
    """TimedReply the speech of given tokens.

    Args:
        agent: who speaks.
        tokens: what to say.
        on_segment: called before each segment is spoken.
    """

    def noted(segments: Iterable[Segment]) -> Iterator[Segment]:
        for segment in segments:
            on_segment(segment)
            yield segment

    take = TimedReply(agent.voice.samples_per_unit)
    return take.collect(agent.speak(noted(agent.trigger.cut(take.listen(tokens)))))
