"""Runs the models: in a thread of their own when live, in the caller's thread in tests.

Jobs run in the order they were submitted. Cancellation is a generation number: a job of an older
generation is stopped and its outputs are dropped. A job that raises or hangs becomes a `Failure`,
and the next one runs.
"""

from __future__ import annotations

import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

from antiphon.messages import Doubt, Speech
from antiphon.recognition.hearing_rate import FOLLOWER
from antiphon.runtime.frames import FRAME_MS
from antiphon.runtime.responders.precedence import (
    AHEAD,
    BEGINNING,
    CLOCK,
    LEAD,
    PATIENCE,
    Claim,
    Precedence,
)
from antiphon.runtime.responders.responder import Cancelled
from antiphon_codecs.interruption import interruptible

STALL_FRAMES = 20_000 // FRAME_MS
"""Frames without progress after which a job is given up: 20 s."""
CLOSE_TIMEOUT = 10.0
"""Seconds a thread is given to end: libraries abort the process if it is still in them at exit."""


@dataclass(frozen=True)
class Understood:
    """The user's turn as it was understood."""

    text: str
    """Empty if there was nothing to understand."""
    complete: float | None = None
    """Log odds that the turn is complete, if the recognizer judges it."""
    doubt: Doubt | None = None
    """Why there was not, or why what was heard is not believed."""
    rate: int | None = None
    """At which rate it was heard, if the recognizer has several."""


@dataclass(frozen=True)
class Judged:
    """Whether a turn of the user sounds complete."""

    log_odds: float
    """That it is."""
    number: int
    """Which question this answers."""


@dataclass(frozen=True)
class Done:
    """A reply is complete."""


@dataclass(frozen=True)
class Failure:
    """A job failed."""

    error: str
    """One sentence."""


Output = Understood | Speech | Judged | Done | Failure
"""What a job yields."""
Work = Callable[[Cancelled], Iterator[Output]]
"""A job; it stops when the function it is given returns True."""


class Worker(Protocol):
    """Runs jobs in order."""

    generation: int
    """The current one; jobs and outputs of others are dropped."""

    @property
    def pending(self) -> int:
        """Jobs not finished."""

    def submit(self, work: Work, generation: int | None = None) -> None:
        """Queue a job.

        Args:
            work: the job.
            generation: of the reply it belongs to; None: it always runs.
        """

    def poll(self, frame: int) -> list[tuple[int | None, Output]]:
        """Outputs since the last call, each with its generation.

        Args:
            frame: number of the current frame, which is the clock.
        """

    def close(self) -> None:
        """Stop."""


@dataclass(frozen=True)
class Job:
    """A job in the queue."""

    work: Work
    generation: int | None
    asked: int | None = None
    """Its number among the questions that wait (`hearing_rate`); None: it answers none."""


def sentence(error: BaseException) -> str:
    """An exception as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class InlineWorker:
    """Runs jobs in the caller's thread, one output a frame: deterministic.

    Args:
        frames_per_output: how long an output takes, in frames; may be changed at any time.
    """

    def __init__(self, frames_per_output: int = 0) -> None:
        self.generation = 0
        self.frames_per_output = frames_per_output
        self._jobs: deque[Job] = deque()
        self._running: tuple[Job, Iterator[Output]] | None = None
        self._held: tuple[int, Job, Output] | None = None

    @property
    def pending(self) -> int:
        """Jobs not finished."""
        return len(self._jobs) + (self._running is not None)

    def submit(self, work: Work, generation: int | None = None) -> None:
        """Queue a job."""
        self._jobs.append(Job(work, generation))

    def poll(self, frame: int) -> list[tuple[int | None, Output]]:
        """At most one output, once it is due."""
        if self._held is None:
            made = self._advance()
            self._held = made and (frame + self.frames_per_output, *made)
        if self._held is None or frame < self._held[0]:
            return []
        _, job, output = self._held
        self._held = None
        return [] if self._stale(job) else [(job.generation, output)]

    def close(self) -> None:
        """Drop all jobs."""
        self._jobs.clear()
        self._running = self._held = None

    def _stale(self, job: Job) -> bool:
        return job.generation is not None and job.generation != self.generation

    def _advance(self) -> tuple[Job, Output] | None:
        """The next output of the jobs in the queue."""
        while self._running or self._jobs:
            if self._running is None:
                job = self._jobs.popleft()
                self._running = job, job.work(lambda job=job: self._stale(job))  # type: ignore[misc]
            job, outputs = self._running
            if self._stale(job):
                self._running = None
                continue
            try:
                return job, next(outputs)
            except StopIteration:
                self._running = None
                if job.generation is not None:
                    return job, Done()
            except Exception as error:
                self._running = None
                return job, Failure(sentence(error))
        return None


class _Lane:
    """The queues of one thread. A thread that hangs keeps its own; the next gets another."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.results: deque[tuple[Job, Output]] = deque()
        self.current: Job | None = None
        self.dues: deque[float] = deque()
        """When each job that is not finished is due; both sides change it under the lock."""
        self.progress = 0
        """Outputs and finished jobs so far."""
        self.asked: set[int] = set()
        """Numbers of questions whose answers have not begun."""
        self.closed = False
        self.lock = threading.Lock()
        self.claim = Claim(self.due)

    def began(self, number: int | None, *, heard: bool) -> None:
        """An answer began, or will not be heard."""
        if number is not None:
            self.asked.discard(number)
            FOLLOWER.began(number, heard=heard)

    def give_up(self) -> None:
        """None of its answers will be heard."""
        for number in [*self.asked]:
            self.began(number, heard=False)

    def due(self) -> float:
        """When the first of its jobs is due: it keeps up those behind it."""
        with self.lock:
            return min(self.dues, default=math.inf)


class ThreadWorker:
    """Runs jobs in a thread of its own.

    Args:
        stall: frames without progress after which a job is given up.
        precedence: among all that compute; None: nobody else does.
    """

    def __init__(self, stall: int = STALL_FRAMES, precedence: Precedence | None = None) -> None:
        self.generation = 0
        self.stall = stall
        self._precedence = precedence or Precedence()
        self._lane = self._start_thread()
        self._seen = (0, 0)
        """The progress seen last, and in which frame."""

    @property
    def pending(self) -> int:
        """Jobs not finished."""
        return len(self._lane.dues)

    def submit(self, work: Work, generation: int | None = None) -> None:
        """Queue a job."""
        lane = self._lane
        due = CLOCK.now() + (PATIENCE if generation is None else -LEAD)
        asked = None if generation is None else FOLLOWER.asked()
        with lane.lock:
            lane.dues.append(due)
        if asked is not None:
            lane.asked.add(asked)
        lane.jobs.put(Job(work, generation, asked))

    def poll(self, frame: int) -> list[tuple[int | None, Output]]:
        """All outputs so far; a job that hangs is given up."""
        lane, found = self._lane, []
        while lane.results:
            job, output = lane.results.popleft()
            if job.generation in (None, self.generation):
                found.append((job.generation, output))
        progress = lane.progress
        if progress != self._seen[0] or not lane.dues:
            self._seen = progress, frame
        elif frame - self._seen[1] >= self.stall:
            job = lane.current or Job(lambda cancelled: iter(()), None)
            lane.give_up()
            self._lane = self._start_thread()
            self._seen = 0, frame
            waited = self.stall * FRAME_MS / 1000
            found.append((job.generation, Failure(f"no sign of life for {waited:g} s")))
        return found

    def close(self) -> None:
        """Stop after the current step; a thread that hangs does not keep the process alive."""
        self.generation = -1
        self._lane.closed = True
        self._lane.give_up()
        self._lane.jobs.put(None)
        self._thread.join(timeout=CLOSE_TIMEOUT)

    def _start_thread(self) -> _Lane:
        lane = _Lane()
        self._thread = threading.Thread(
            target=self._run, args=(lane,), name="antiphon-models", daemon=True
        )
        self._thread.start()
        return lane

    def _run(self, lane: _Lane) -> None:
        while (job := lane.jobs.get()) is not None and not lane.closed:
            lane.current = job
            self._precedence.enter(lane.claim)
            try:
                self._do(job, lane)
            except Exception as error:
                lane.results.append((job, Failure(sentence(error))))
            self._precedence.leave(lane.claim)
            lane.began(job.asked, heard=False)
            with lane.lock:
                lane.dues.popleft()
            lane.progress += 1
            lane.current = None

    def _do(self, job: Job, lane: _Lane) -> None:
        def cancelled() -> bool:
            return self._precedence.give_way(lane.claim, lambda: lane.closed or self._stale(job))

        def outputs() -> Generator[Output, None, None]:
            yield from job.work(cancelled)

        made, dry = 0.0, 0.0  # seconds of sound, and when all of it was heard
        for output in interruptible(outputs(), cancelled, lane.claim.due):
            lane.results.append((job, output))
            lane.progress += 1
            if isinstance(output, Speech):
                seconds = len(output.pcm) / output.sample_rate
                made, dry = made + seconds, max(dry, CLOCK.now()) + seconds
                if made >= BEGINNING:
                    lane.began(job.asked, heard=True)
                    with lane.lock:
                        lane.dues[0] = dry - AHEAD
        if job.generation is not None and not self._stale(job):
            lane.results.append((job, Done()))

    def _stale(self, job: Job) -> bool:
        return job.generation is not None and job.generation != self.generation
