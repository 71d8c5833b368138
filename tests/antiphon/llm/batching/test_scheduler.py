"""Steps that wait go together, who is due first goes first, and nobody suffers from the others."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from antiphon.errors import UserError
from antiphon.llm.batching import scheduler as scheduling
from antiphon.llm.batching.decoder import Read
from antiphon.llm.batching.scheduler import Scheduler
from antiphon_codecs.interruption import interruptible

BAD, HUGE = -1.0, -2.0
"""Embeddings that cannot be read, and that no memory is left for."""
PATIENCE = 30.0


class Decoder:
    """Reads numbers and remembers them; each pass waits until it is let through.

    Args:
        room: steps for which it has memory.
    """

    def __init__(self, room: int = 99) -> None:
        self.room = room
        self.passes: list[list[list[float]]] = []
        self.threads: list[int] = []
        self.begun, self.gate = threading.Semaphore(0), threading.Semaphore(0)

    def start(self) -> Any:
        return ()

    def __call__(self, steps: Any) -> list[Read]:
        read = [step.embeddings[:, 0].tolist() for step in steps]
        self.passes.append(read)
        self.threads.append(threading.get_ident())
        self.begun.release()
        assert self.gate.acquire(timeout=PATIENCE)
        if len(steps) > self.room or any(HUGE in numbers for numbers in read):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        if any(BAD in numbers for numbers in read):
            raise RuntimeError("what is that?")
        return [
            Read(step.embeddings[-1], None, (*step.cache, *numbers))
            for step, numbers in zip(steps, read, strict=True)
        ]

    def open(self) -> None:
        """Let all passes through."""
        self.gate.release(999)


class Conversations:
    """Threads that read through one scheduler; one that is begun waits or computes."""

    def __init__(self, decoder: Decoder, at_once: int = 8, most: int = 64) -> None:
        self.decoder, self.stopped = decoder, False
        self.scheduler = Scheduler(decoder, at_once, most)  # type: ignore[arg-type]
        self.pool = ThreadPoolExecutor(16)

    def read(
        self, *numbers: float, due: float = math.inf, pool: ThreadPoolExecutor | None = None
    ) -> Future[Any]:
        """Let a thread read numbers; what it remembers then is its result."""

        def items() -> Any:
            yield self.scheduler.read(torch.tensor(numbers)[:, None], ()).cache  # type: ignore[arg-type]

        def result() -> Any:
            return next(interruptible(items(), lambda: self.stopped, lambda: due), "stopped")

        before = self.scheduler.waiting
        asked = (pool or self.pool).submit(result)
        soon(lambda: self.scheduler.waiting > before or asked.done())
        return asked

    def occupied(self) -> Future[Any]:
        """Let a thread begin a pass, during which others can be begun."""
        asked = self.read(0.0, 0.0)
        assert self.decoder.begun.acquire(timeout=PATIENCE)
        return asked


def patient(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """So long who took part in a pass is waited for."""
    monkeypatch.setattr(scheduling, "GRACE", math.inf)
    monkeypatch.setattr(scheduling, "LONGEST_GRACE", seconds)


def soon(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


@contextmanager
def conversations(decoder: Decoder, **more: int) -> Iterator[Conversations]:
    held = Conversations(decoder, **more)
    try:
        yield held
    finally:
        decoder.open()
        held.pool.shutdown()


def test_a_conversation_alone_is_computed_in_its_own_thread():
    decoder = Decoder()
    decoder.open()
    scheduler = Scheduler(decoder, 8)  # type: ignore[arg-type]
    assert scheduler.read(torch.tensor([[1.0]]), ()).cache == (1,)  # type: ignore[arg-type]
    assert decoder.threads == [threading.get_ident()]
    assert not scheduler.waiting


def test_what_waits_when_a_pass_begins_goes_together():
    decoder = Decoder()
    with conversations(decoder) as held:
        held.occupied()
        asked = [held.read(number) for number in (1.0, 2.0, 3.0)]
        decoder.open()
        assert [each.result(PATIENCE) for each in asked] == [(1,), (2,), (3,)]
    assert decoder.passes == [[[0, 0]], [[1], [2], [3]]]


def test_who_is_due_first_goes_first():
    decoder = Decoder()
    with conversations(decoder, most=1) as held:
        held.occupied()
        asked = [held.read(due, due=due) for due in (3.0, 1.0, 2.0)]
        decoder.open()
        for each in asked:
            each.result(PATIENCE)
    assert decoder.passes == [[[0, 0]], [[1]], [[2]], [[3]]]


@pytest.mark.parametrize(("due", "order"), [(math.inf, [4, 1, 4, 2]), (0.0, [4, 4, 3])])
def test_a_long_prompt_is_read_in_parts(monkeypatch, due, order):
    """Others go in between, unless it is due before them."""
    patient(monkeypatch, PATIENCE)
    decoder = Decoder()
    with conversations(decoder, at_once=4) as held:
        long = held.read(*map(float, range(10)), due=due)
        assert decoder.begun.acquire(timeout=PATIENCE)
        short = held.read(20.0, due=1.0 if due < 1 else math.inf)
        decoder.open()
        assert long.result(PATIENCE) == tuple(range(10))
        assert short.result(PATIENCE) == (20,)
    assert [sum(map(len, each)) for each in decoder.passes] == order


def test_prompts_go_together_if_that_pads_little():
    decoder = Decoder()
    with conversations(decoder, at_once=8) as held:
        held.occupied()
        asked = [held.read(*[float(n)] * n) for n in (3, 4, 1, 7)]
        decoder.open()
        for each in asked:
            each.result(PATIENCE)
    assert [[len(read) for read in each] for each in decoder.passes] == [[2], [3, 4], [1], [7]]


def test_an_error_reaches_only_its_own_conversation():
    decoder = Decoder()
    with conversations(decoder) as held:
        held.occupied()
        first, bad, second, third = (held.read(n) for n in (1.0, BAD, 2.0, 3.0))
        decoder.open()
        assert [each.result(PATIENCE) for each in (first, second, third)] == [(1,), (2,), (3,)]
        with pytest.raises(RuntimeError, match="what is that"):
            bad.result(PATIENCE)
        assert held.read(4.0).result(PATIENCE) == (4,)


def test_without_memory_for_all_fewer_go_together(caplog):
    decoder = Decoder(room=2)
    with conversations(decoder) as held:
        held.occupied()
        asked = [held.read(n) for n in (1.0, 2.0, 3.0, 4.0, 5.0)]
        decoder.open()
        assert [each.result(PATIENCE) for each in asked] == [(n,) for n in range(1, 6)]
        assert "no memory for 5 conversations at once: from now on 2" in caplog.text
        caplog.clear()
        held.decoder.gate = threading.Semaphore(0)
        held.occupied()
        asked = [held.read(n) for n in (6.0, 7.0, 8.0)]
        decoder.open()
        for each in asked:
            each.result(PATIENCE)
    assert decoder.passes[-2:] == [[[6], [7]], [[8]]]
    assert not caplog.text


def test_what_no_memory_is_left_for_is_said():
    decoder = Decoder()
    with conversations(decoder) as held:
        held.occupied()
        huge, other = held.read(HUGE), held.read(1.0)
        decoder.open()
        with pytest.raises(UserError, match="no memory left for this conversation: let fewer"):
            huge.result(PATIENCE)
        assert other.result(PATIENCE) == (1,)


def test_who_is_cancelled_stops_between_two_parts():
    decoder = Decoder()
    with conversations(decoder, at_once=2) as held:
        long = held.read(1.0, 2.0, 3.0, 4.0)
        assert decoder.begun.acquire(timeout=PATIENCE)
        held.stopped = True
        decoder.open()
        assert long.result(PATIENCE) == "stopped"
        held.stopped = False
        assert held.read(5.0).result(PATIENCE) == (5,)
    assert decoder.passes == [[[1, 2]], [[5]]]


def test_others_go_on_if_the_thread_that_computes_is_interrupted():
    decoder = Decoder()
    with conversations(decoder) as held:
        held.occupied()
        asked = [held.read(n) for n in (1.0, 2.0, 3.0)]
        read, interrupted = Decoder.__call__, list[int]()

        def interrupting(self: Decoder, steps: Any) -> list[Read]:
            if not interrupted:
                interrupted.append(threading.get_ident())
                raise KeyboardInterrupt
            return read(self, steps)

        Decoder.__call__ = interrupting
        try:
            decoder.open()
            outcomes = [each.exception(PATIENCE) for each in asked]
        finally:
            Decoder.__call__ = read
        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "KeyboardInterrupt", "NoneType", "NoneType",
        ]  # fmt: skip
        assert not held.scheduler.waiting


@pytest.mark.parametrize("grace", [0.0, PATIENCE])
def test_who_took_part_in_the_last_pass_is_waited_for(monkeypatch, grace):
    """For a moment: who has just written a token writes the next one at once, or speaks first."""
    patient(monkeypatch, grace)
    decoder = Decoder()
    with conversations(decoder) as held, ThreadPoolExecutor(1) as a, ThreadPoolExecutor(1) as b:
        held.occupied()
        asked = [held.read(n, pool=pool) for n, pool in ((1.0, a), (2.0, b))]
        decoder.gate.release(2)
        for each in asked:
            each.result(PATIENCE)
        again = held.read(3.0, pool=a)
        if not grace:
            soon(lambda: len(decoder.passes) == 3)
        other = held.read(4.0, pool=b)
        decoder.open()
        assert (again.result(PATIENCE), other.result(PATIENCE)) == ((3,), (4,))
    assert decoder.passes[2:] == ([[[3], [4]]] if grace else [[[3]], [[4]]])
