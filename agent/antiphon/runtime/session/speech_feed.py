"""Feeds the user's turn to the hearing, in the worker, and never loses its beginning."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Turn
from antiphon.runtime.frames import FRAME_MS, Frame
from antiphon.runtime.responders.responder import Cancelled, Responder, SpeechStream
from antiphon.runtime.responders.worker import Output, Understood, Work, Worker

CHUNK = 5
"""Frames fed at a time: 100 ms."""
MAX_BACKLOG_FRAMES = 10_000 // FRAME_MS
"""Frames of the past that can still be fed: 10 s."""


class StreamSlot:
    """Holds a hearing once the worker has made it. Whoever throws it away marks it."""

    def __init__(self, history: Sequence[Turn]) -> None:
        self.history = tuple(history)
        self.stream: SpeechStream | None = None
        self.thrown = False
        self.waiting: deque[NDArray[np.float32]] = deque()
        """Sound to be heard next."""


class SpeechFeed:
    """One hearing after another, each fed from a ring of the newest sound.

    Args:
        responder: who hears.
        work: where.
    """

    def __init__(self, responder: Responder[Any], work: Worker) -> None:
        self._responder, self._work = responder, work
        self._ring: deque[Frame] = deque(maxlen=MAX_BACKLOG_FRAMES)
        self._slot = StreamSlot(())
        self._unfed = 0
        self._open = False

    def prepare(self, history: Sequence[Turn]) -> None:
        """Drop the hearing and make the next one ready, so that it has read `history` in time."""
        self._slot.thrown = True
        self._open = False
        self._slot = slot = StreamSlot(history)
        responder = self._responder

        def listen(cancelled: Cancelled) -> Iterator[Output]:
            if not slot.thrown:
                slot.stream = responder.listen(slot.history)
            yield from ()

        self._work.submit(listen)

    def hear(self, frame: Frame) -> None:
        """Take the next frame."""
        self._ring.append(frame)
        self._unfed += 1
        if self._open and self._unfed >= CHUNK:
            self._feed()

    def open(self, frames: int) -> None:
        """Feed from now on, beginning with the last `frames` frames."""
        self._open, self._unfed = True, min(frames, len(self._ring))

    def hold(self) -> None:
        """Feed what there is, then wait."""
        if self._open:
            self._feed()
        self._open = False

    def go_on(self) -> None:
        """Feed again, and first what came meanwhile."""
        self._open = True

    def answer(self, seed: int) -> Work:
        """The work of understanding and answering what has been fed so far."""
        slot, responder = self._slot, self._responder

        def work(cancelled: Cancelled) -> Iterator[Output]:
            if slot.stream is None:
                raise RuntimeError("there is nothing to hear with")
            understood = slot.stream.finish()
            text = understood.text.strip()
            yield Understood(text, understood.complete)
            if text:
                yield from responder.respond(
                    slot.stream, slot.history, cancelled=cancelled, seed=seed
                )

        return work

    def _feed(self) -> None:
        if not self._unfed:
            return
        count = min(self._unfed, len(self._ring))
        pcm = np.concatenate([self._ring[i] for i in range(-count, 0)])
        self._unfed = 0
        self._slot.waiting.append(pcm)
        self._work.submit(feeding(self._slot))


def feeding(slot: StreamSlot) -> Callable[[Cancelled], Iterator[Output]]:
    """The work of hearing all that waits: who is late catches up in one go."""

    def feed(cancelled: Cancelled) -> Iterator[Output]:
        sound = [slot.waiting.popleft() for _ in range(len(slot.waiting))]
        if sound and not slot.thrown and slot.stream is not None:
            slot.stream.feed(np.concatenate(sound))
        yield from ()

    return feed
