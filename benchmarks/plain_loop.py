"""What one would plug together: the same parts in a plain loop, to compare with.

A turn ends after 700 ms of silence. Then the whole recording is transcribed, the language model
answers and the same voice speaks. Any speech stops the reply. There is no echo cancellation, no
answer on trust, no pause before a stop, and the whole reply is remembered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Speech, Turn
from antiphon.runtime.events import Event
from antiphon.runtime.frames import FRAME_MS, Frame, played
from antiphon.runtime.responders.responder import Cancelled, Responder
from antiphon.runtime.responders.worker import Done, Output, Understood, Worker
from antiphon.runtime.turns.vad import VoiceActivity

SILENCE = 700 // FRAME_MS
"""Frames of silence that end a turn."""
ONSET = 3
"""Frames of speech that begin one, and that stop a reply."""
PRE_ROLL = 300 // FRAME_MS


class PlainLoop:
    """A cascade in a loop, with the interface of a `Conversation`.

    Args:
        responder: transcribes, answers and speaks.
        work: runs it.
        sample_rate: of what is played.
    """

    def __init__(self, responder: Responder[Any], work: Worker, sample_rate: int = 22_050) -> None:
        self.events: deque[Event] = deque()
        self.history: list[Turn] = []
        self._responder, self._work = responder, work
        self._frame = played(sample_rate)
        self._vad = VoiceActivity()
        self._recent: deque[Frame] = deque(maxlen=PRE_ROLL)
        self._turn: list[Frame] = []
        self._speech = self._silence = 0
        self._frames = 0
        self._queue: list[NDArray[np.float32]] = []
        self._text = ""

    def step(self, mic: Frame) -> Frame:
        """Take a frame of the microphone and give one to the speaker."""
        for _, output in self._work.poll(self._frames):
            if isinstance(output, Understood):
                self.history.append(Turn("user", output.text))
            elif isinstance(output, Speech):
                self._text += output.text if output.words else ""
                self._queue.append(output.pcm)
            elif isinstance(output, Done):
                self.history.append(Turn("assistant", self._text.strip()))
        speech = self._vad.step(mic).speech
        self._speech = self._speech + 1 if speech else 0
        self._recent.append(mic)
        if self._speech == ONSET:
            self._stop()
            self._turn = self._turn or list(self._recent)[:-1]
        if self._turn:
            self._turn.append(mic)
            self._silence = 0 if speech else self._silence + 1
            if self._silence == SILENCE:
                self._answer(np.concatenate(self._turn))
                self._turn, self._silence = [], 0
        self._frames += 1
        return self._next()

    def say(self, text: str) -> None:
        """Speak a text."""

        def saying(cancelled: Cancelled) -> Iterator[Output]:
            yield from self._responder.say(text, cancelled=cancelled)

        self._submit(saying)

    def heard(self, samples: int) -> None:
        """It is of no interest."""

    def dropped(self, samples: int) -> None:
        """It is of no interest."""

    def notice(self, event: Event) -> None:
        """It is of no interest."""

    def close(self) -> None:
        """End."""
        self._work.close()

    def _answer(self, pcm: NDArray[np.float32]) -> None:
        responder, history = self._responder, tuple(self.history)

        def work(cancelled: Cancelled) -> Iterator[Output]:
            stream = responder.listen(history)
            stream.feed(pcm)
            text = stream.finish().text.strip()
            yield Understood(text)
            if text:
                yield from responder.respond(stream, history, cancelled=cancelled, seed=0)

        self._submit(work)

    def _submit(self, work: Any) -> None:
        self._work.generation += 1
        self._text = ""
        self._work.submit(work, self._work.generation)

    def _stop(self) -> None:
        if self._queue:
            self._work.generation += 1
            self._queue = []
            if self._text and (not self.history or self.history[-1].text != self._text.strip()):
                self.history.append(Turn("assistant", self._text.strip()))

    def _next(self) -> Frame:
        out = np.zeros(self._frame, np.float32)
        filled = 0
        while self._queue and filled < self._frame:
            piece = self._queue[0]
            count = min(len(piece), self._frame - filled)
            out[filled : filled + count] = piece[:count]
            filled += count
            if count < len(piece):
                self._queue[0] = piece[count:]
            else:
                self._queue.pop(0)
        return out
