"""Feeds the user's turn to a speech stream in the worker, its beginning included."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.messages import Turn
from antiphon.runtime.frames import FRAME_MS, Frame
from antiphon.runtime.responders.responder import Cancelled, Responder, SpeechStream
from antiphon.runtime.responders.worker import Output, Understood, Work, Worker
from antiphon_codecs.interruption import interruptible

CHUNK = 5
"""Frames per call: 100 ms."""
MAX_BACKLOG_FRAMES = 10_000 // FRAME_MS
"""Frames kept for a stream that is not ready yet: 10 s."""


class StreamSlot:
    """Holds a speech stream once the worker has made it."""

    def __init__(self, history: Sequence[Turn]) -> None:
        self.history = tuple(history)
        self.stream: SpeechStream | None = None
        self.dropped = False
        self.waiting: deque[NDArray[np.float32]] = deque()
        """Audio to feed next."""


class SpeechFeed:
    """One speech stream after another, each fed from a ring of the newest audio.

    Args:
        responder: makes the streams.
        work: where they run.
    """

    def __init__(self, responder: Responder[Any], work: Worker) -> None:
        self._responder, self._work = responder, work
        self._ring: deque[Frame] = deque(maxlen=MAX_BACKLOG_FRAMES)
        self._slot = StreamSlot(())
        self._unsent = 0
        self._open = False
        self._turn_frames = 0
        """Frames of the turn so far; 0: there is none."""

    def prepare(self, history: Sequence[Turn]) -> None:
        """Drop the stream and prepare the next one, which reads `history` ahead of the turn."""
        self._slot.dropped = True
        self._open, self._turn_frames = False, 0
        self._slot = slot = StreamSlot(history)
        responder = self._responder

        def listen(cancelled: Cancelled) -> Iterator[Output]:
            if not slot.dropped:
                slot.stream = responder.listen(slot.history)
            yield from ()

        self._work.submit(listen)

    def hear(self, frame: Frame) -> None:
        """Take the next frame."""
        self._ring.append(frame)
        self._unsent += 1
        self._turn_frames += self._turn_frames > 0
        if self._open and self._unsent >= CHUNK:
            self._feed()

    def open(self, frames: int) -> None:
        """Feed from now on, beginning with the last `frames` frames."""
        self._open = True
        self._unsent = self._turn_frames = min(frames, len(self._ring))

    def hold(self) -> None:
        """Feed what is there, then pause."""
        if self._open:
            self._feed()
        self._open = False

    def go_on(self) -> None:
        """Resume, beginning with what arrived meanwhile."""
        self._open = True

    def renew(self, history: Sequence[Turn]) -> None:
        """Let the turn, what was said of it included, follow another history.

        A turn that is longer than what is kept goes on as it is.
        """
        frames, opened = self._turn_frames, self._open
        if frames > len(self._ring):
            return
        self.prepare(history)
        if frames:
            self.open(frames)
            self._feed()
            self._open = opened

    def answer(self, seed: int, *, respond: bool = True) -> Work:
        """The job that understands and answers what has been fed so far.

        Args:
            seed: of the answer.
            respond: whether it is answered, or only understood.
        """
        slot, responder = self._slot, self._responder

        def work(cancelled: Cancelled) -> Generator[Output, None, None]:
            if slot.stream is None:
                raise RuntimeError("there is nothing to hear with")
            understood = slot.stream.finish()
            text = "" if understood.doubt else understood.text.strip()
            rate = getattr(understood, "rate", None)
            yield Understood(text, understood.complete, understood.doubt, rate)
            if respond and (text or understood.doubt not in (None, "no speech")):
                yield from responder.respond(
                    slot.stream, slot.history, cancelled=cancelled, seed=seed
                )

        # The user may go on in the middle of it: then it is left between two steps of a model.
        return lambda cancelled: interruptible(work(cancelled), cancelled)

    def _feed(self) -> None:
        if not self._unsent:
            return
        count = min(self._unsent, len(self._ring))
        pcm = np.concatenate([self._ring[i] for i in range(-count, 0)])
        self._unsent = 0
        self._slot.waiting.append(pcm)
        self._work.submit(feeding(self._slot))


def feeding(slot: StreamSlot) -> Callable[[Cancelled], Iterator[Output]]:
    """The job that feeds all waiting audio at once."""

    def feed(cancelled: Cancelled) -> Iterator[Output]:
        sound = [slot.waiting.popleft() for _ in range(len(slot.waiting))]
        if sound and not slot.dropped and slot.stream is not None:
            slot.stream.feed(np.concatenate(sound))
        yield from ()

    return feed
