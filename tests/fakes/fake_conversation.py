"""A conversation without models: an analyzer that reads amplitudes, a responder that hums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from antiphon.messages import Speech, Word
from antiphon.runtime.frames import FRAME
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.turns.frame_analysis import FrameAnalysis

RATE = 22_050
OUT = 441
WORD = 4410
"""Samples of a word that the responder says: 0.2 s."""
SILENCE, SPEECH, STOP = 0.0, 0.5, 1.0
"""Amplitudes of a frame."""
SOFT, END = 5, 15
"""Frames of silence after which a turn may be over, and is over."""
PAUSE, STOPS, RESUME = 5, 15, 10
"""Frames of speech that pause and stop a reply, and of silence that let it go on."""


class FakeAnalyzer:
    """Knows speech by its amplitude."""

    def __init__(self) -> None:
        self.judgements: list[float] = []
        self.forget_turn()
        self._burst = self._gap = 0
        self._paused = False

    def forget_turn(self):
        self.in_turn, self.quiet, self.turn_frames = False, 0, 0

    @property
    def silence(self):
        return self.quiet * FRAME

    def adapt(self, options):
        self.options = options

    def judge(self):
        return lambda: 0.5

    def judged(self, judge, log_odds):
        self.judgements.append(log_odds)

    def step(self, mic, reference, *, speaking, deaf):
        loud = float(np.abs(mic).max())
        stop = loud > 0.9
        if deaf:
            self.forget_turn()
            return FrameAnalysis(mic, stop_word=stop)
        return FrameAnalysis(
            mic, -20.0, self._turn(loud > 0.1), self._barge(loud > 0.1, speaking), stop
        )

    def _turn(self, speech):
        if not self.in_turn:
            if not speech:
                return None
            self.in_turn, self.quiet, self.turn_frames = True, 0, 1
            return "start"
        self.turn_frames += 1
        before, self.quiet = self.quiet, 0 if speech else self.quiet + 1
        if speech:
            return "resumed" if before >= SOFT else None
        if self.quiet == END:
            self.forget_turn()
            self.quiet = END
            return "end"
        return "soft" if self.quiet == SOFT else None

    def _barge(self, speech, speaking):
        if not speaking:
            self._burst, self._paused = 0, False
            return None
        self._burst, self._gap = (self._burst + 1, 0) if speech else (self._burst, self._gap + 1)
        if self._gap > RESUME:
            self._burst, paused, self._paused = 0, self._paused, False
            return "resume" if paused else None
        if self._burst >= STOPS:
            self._burst, self._paused = 0, False
            return "stop"
        if self._burst >= PAUSE and not self._paused:
            self._paused = True
            return "pause"
        return None


@dataclass
class Understood:
    text: str
    complete: float | None = None
    doubt: str | None = None
    rate: int | None = None


@dataclass
class Hearing:
    """Counts the frames of speech it was fed."""

    history: tuple
    pcm: list = field(default_factory=list)
    doubt: str | None = None
    rate: int | None = None

    def feed(self, pcm):
        self.pcm.append(pcm)

    def finish(self):
        sound = np.concatenate(self.pcm) if self.pcm else np.zeros(0)
        count = int((np.abs(sound) > 0.1).sum()) // FRAME
        text = f"heard {count} frames" if count else ""
        return Understood(text, doubt=self.doubt, rate=self.rate)


class FakeResponder:
    """Hums: the n-th reply is positive or negative, and its samples tell where they belong."""

    def __init__(self, words=6) -> None:
        self.words = words
        self.replies = 0
        self.doubt: str | None = None
        self.rate: int | None = None
        self.streams: list[Hearing] = []
        self.answered: list[tuple[str, tuple]] = []

    def listen(self, history):
        self.streams.append(Hearing(tuple(history), doubt=self.doubt, rate=self.rate))
        return self.streams[-1]

    def respond(self, stream, history, *, cancelled, seed):
        self.answered.append((stream.finish().text, tuple(history)))
        yield from self.hum(self.words, cancelled)

    def write(self, text, history, *, cancelled):
        self.answered.append((text, tuple(history)))
        yield from ("written", " answer")

    def say(self, text, *, cancelled):
        yield from self.hum(len(text.split()), cancelled, text)

    def hum(self, count, cancelled, text=""):
        self.replies += 1
        sign = 1 if self.replies % 2 else -1
        texts = text.split() or [f"r{self.replies}w{i}" for i in range(count)]
        for i, word in enumerate(texts):
            if cancelled():
                return
            start = i * WORD
            pcm = sign * tone(np.arange(start, start + WORD))
            words = (Word(word, start, start + WORD),)
            last = i == count - 1
            yield Speech(pcm, RATE, start, f" {word}", units=(1,), words=words, final=last)


def tone(position):
    """What sample number `position` of a reply sounds like."""
    return (0.1 + position * 1e-5).astype(np.float32)


class Driver:
    """Plays a conversation and keeps what came out."""

    def __init__(self, responder, **choices) -> None:
        self.responder = responder
        self.work = choices.pop("work", None) or InlineWorker()
        analyzer: Any = choices.pop("analyzer", None) or FakeAnalyzer()
        self.conversation = Conversation(responder, work=self.work, analyzer=analyzer, **choices)
        self.out: list[np.ndarray] = []
        self.events: list = []

    def run(self, frames, amplitude=SILENCE):
        for _ in range(frames):
            mic = np.full(FRAME, amplitude, np.float32)
            self.out.append(self.conversation.step(mic))
            while self.conversation.events:
                self.events.append(self.conversation.events.popleft())
        return self

    def ask(self, frames=20):
        """Speak and wait until the turn is over."""
        return self.run(frames, SPEECH).run(END)

    @property
    def sound(self):
        return np.concatenate(self.out)

    def kinds(self):
        return [type(event).__name__ for event in self.events]

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def texts(self):
        return [(turn.role, turn.text) for turn in self.conversation.history]
