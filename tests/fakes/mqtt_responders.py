"""Conversations without models: speech is loudness, and every reply is a level of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import fake_conversation
import numpy as np

from antiphon.messages import Speech, Word
from antiphon.runtime.frames import FRAME
from antiphon.runtime.options import Options
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.turns.frame_analysis import FrameAnalysis

RATE, OUT = 22_050, 441
LEVEL = 0.1
"""The n-th reply is a constant sound of n times this, so every sample tells where it is from."""


class FakeAnalyzer(fake_conversation.FakeAnalyzer):
    """Knows speech by its amplitude: above 0.1 it is speech, above 0.9 it is "stop"."""

    def __init__(self) -> None:
        super().__init__()
        self.burst = self.gap = 0

    def step(self, mic, reference, *, speaking, deaf):
        loud = float(np.abs(mic).max())
        speech = 0.1 < loud < 0.9
        barge = self._barge_in(speech and speaking)
        return FrameAnalysis(mic, -20.0, self._turn(speech), barge, loud > 0.9)

    def _barge_in(self, speech):
        """Five frames pause, ten stop, ten frames of silence let it go on."""
        if speech:
            self.burst, self.gap = self.burst + 1, 0
            return {5: "pause", 10: "stop"}.get(self.burst)
        self.gap += 1
        if self.gap == 10:
            paused, self.burst = self.burst >= 5, 0
            return "resume" if paused else None
        return None

    def _turn(self, speech):
        if not self.in_turn:
            self.in_turn, self.quiet = speech, 0
            self.turn_frames = int(speech)
            return "start" if speech else None
        self.turn_frames += 1
        before, self.quiet = self.quiet, 0 if speech else self.quiet + 1
        if speech:
            return "resumed" if before >= 3 else None
        if self.quiet == 8:
            self.forget_turn()
            return "end"
        return "soft" if self.quiet == 3 else None


class Hearing:
    def __init__(self, history):
        self.frames = 0

    def feed(self, pcm):
        self.frames += int((np.abs(pcm) > 0.1).sum()) // FRAME

    def finish(self):
        text = f"{self.frames} frames" if self.frames else ""
        return SimpleNamespace(text=text, complete=None, doubt=None)


class FakeResponder:
    """The n-th reply is ten words of 0.2 s of level n."""

    def __init__(self, words=10, level=LEVEL) -> None:
        self.words, self.level = words, level
        self.replies = 0

    def listen(self, history):
        return Hearing(history)

    def respond(self, stream, history, *, cancelled, seed):
        yield from self.hum(self.words, cancelled)

    def say(self, text, *, cancelled):
        yield from self.hum(len(text.split()), cancelled)

    def hum(self, count, cancelled):
        self.replies += 1
        number = self.replies
        for i in range(count):
            if cancelled():
                return
            pcm = np.full(RATE // 5, self.level * number, np.float32)
            start = i * len(pcm)
            word = Word(f"w{i}", start, start + len(pcm))
            yield Speech(pcm, RATE, start, f" w{i}", (1,), (word,), i == count - 1)


def converse(responder=None, made=None):
    """Makes conversations of tests; `made` collects them by robot."""

    def make(session):
        thinks = responder or FakeResponder()
        analyzer: Any = FakeAnalyzer()
        conversation = Conversation(thinks, Options(), work=InlineWorker(), analyzer=analyzer)
        setattr(conversation, "responder", thinks)  # noqa: B010
        if made is not None:
            made[session.robot] = conversation
        return conversation

    return make
