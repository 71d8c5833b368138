"""Model work beside the conversation: in a thread when live, in the same thread in tests.

Works run one after another in the order they were submitted. Cancellation is a generation number:
a work of a generation that is no longer the current one is stopped, and nothing it made is handed
out. A work that raises or hangs becomes a `Failure`, and the next one gets its chance.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from antiphon.messages import Speech
from antiphon.runtime.frames import FRAME_MS
from antiphon.runtime.responders.responder import Cancelled

STALL_FRAMES = 20_000 // FRAME_MS
"""Frames without a sign of life after which a work is given up: 20 s."""
CLOSE_TIMEOUT = 10.0
"""Seconds a thread is given to end: libraries abort the process if it is still in them at exit."""


@dataclass(frozen=True)
class Understood:
    """The user's turn as it was understood."""

    text: str
    """Empty if there was nothing to understand."""
    complete: float | None = None
    """Log odds that the turn is complete, if the hearing has an opinion."""


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
    """A work came to nothing."""

    error: str
    """One sentence."""


Output = Understood | Speech | Judged | Done | Failure
"""What a work hands out."""
Work = Callable[[Cancelled], Iterator[Output]]
"""Something to do; asked to stop by what it is given."""


class Worker(Protocol):
    """Runs works in order."""

    generation: int
    """The current one: works and outputs of another are dropped."""

    def submit(self, work: Work, generation: int | None = None) -> None:
        """Do this next.

        Args:
            work: what.
            generation: for which reply; None: for none, it is always done.
        """

    def poll(self, frame: int) -> list[tuple[int | None, Output]]:
        """What has been made since the last call, with its generation.

        Args:
            frame: the number of the frame, the only clock there is.
        """

    def close(self) -> None:
        """Stop."""


@dataclass(frozen=True)
class Job:
    """A work in the queue."""

    work: Work
    generation: int | None


def sentence(error: BaseException) -> str:
    """An exception as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class InlineWorker:
    """Works in the caller's thread, one output a frame: deterministic.

    Args:
        frames_per_output: how long an output takes, in frames; may be changed at any time.
    """

    def __init__(self, frames_per_output: int = 0) -> None:
        self.generation = 0
        self.frames_per_output = frames_per_output
        self._jobs: deque[Job] = deque()
        self._running: tuple[Job, Iterator[Output]] | None = None
        self._held: tuple[int, Job, Output] | None = None

    def submit(self, work: Work, generation: int | None = None) -> None:
        """Queue a work."""
        self._jobs.append(Job(work, generation))

    def poll(self, frame: int) -> list[tuple[int | None, Output]]:
        """At most one output, when its time has come."""
        if self._held is None:
            made = self._advance()
            self._held = made and (frame + self.frames_per_output, *made)
        if self._held is None or frame < self._held[0]:
            return []
        _, job, output = self._held
        self._held = None
        return [] if self._stale(job) else [(job.generation, output)]

    def close(self) -> None:
        """Forget everything."""
        self._jobs.clear()
        self._running = self._held = None

    def _stale(self, job: Job) -> bool:
        return job.generation is not None and job.generation != self.generation

    def _advance(self) -> tuple[Job, Output] | None:
        """The next output of the works in the queue."""
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


class _Bench:
    """What one thread works on. A hanging thread keeps its bench; the next one gets another."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.results: deque[tuple[Job, Output]] = deque()
        self.current: Job | None = None
        self.left = 0
        """Works not finished; counted up by the owner and by the thread under a lock."""
        self.beats = 0
        """Signs of life."""
        self.closed = False
        self.lock = threading.Lock()


class ThreadWorker:
    """Works in a thread of its own.

    Args:
        stall: frames without a sign of life after which a work is given up.
    """

    def __init__(self, stall: int = STALL_FRAMES) -> None:
        self.generation = 0
        self.stall = stall
        self._bench = self._hire()
        self._seen = (0, 0)
        """Signs of life, and the frame they were counted."""

    def submit(self, work: Work, generation: int | None = None) -> None:
        """Queue a work."""
        with self._bench.lock:
            self._bench.left += 1
        self._bench.jobs.put(Job(work, generation))

    def poll(self, frame: int) -> list[tuple[int | None, Output]]:
        """Everything made so far; a work that hangs is given up."""
        bench, found = self._bench, []
        while bench.results:
            job, output = bench.results.popleft()
            if job.generation in (None, self.generation):
                found.append((job.generation, output))
        beats = bench.beats
        if beats != self._seen[0] or not bench.left:
            self._seen = beats, frame
        elif frame - self._seen[1] >= self.stall:
            job = bench.current or Job(lambda cancelled: iter(()), None)
            self._bench = self._hire()
            self._seen = 0, frame
            waited = self.stall * FRAME_MS / 1000
            found.append((job.generation, Failure(f"no sign of life for {waited:g} s")))
        return found

    def close(self) -> None:
        """Stop after the step it is in; a thread that hangs does not keep the process alive."""
        self.generation = -1
        self._bench.closed = True
        self._bench.jobs.put(None)
        self._thread.join(timeout=CLOSE_TIMEOUT)

    def _hire(self) -> _Bench:
        bench = _Bench()
        self._thread = threading.Thread(
            target=self._run, args=(bench,), name="antiphon-models", daemon=True
        )
        self._thread.start()
        return bench

    def _run(self, bench: _Bench) -> None:
        while (job := bench.jobs.get()) is not None and not bench.closed:
            bench.current = job
            try:
                for output in job.work(lambda job=job: self._stale(job)):  # type: ignore[misc]
                    bench.results.append((job, output))
                    bench.beats += 1
                    if self._stale(job):
                        break
                else:
                    if job.generation is not None:
                        bench.results.append((job, Done()))
            except Exception as error:
                bench.results.append((job, Failure(sentence(error))))
            with bench.lock:
                bench.left -= 1
            bench.beats += 1
            bench.current = None

    def _stale(self, job: Job) -> bool:
        return job.generation is not None and job.generation != self.generation
