"""How many threads the models compute with: as many as other programs leave cores for.

A parallel operation ends with its last thread. If another program holds a core, that thread waits
for its turn, and two threads on two cores take longer than one. So the load is measured twice a
second, and the models ask between their steps.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import psutil
import torch

from antiphon.errors import UserError

log = logging.getLogger(__name__)
T = TypeVar("T")

WINDOW = 0.5
"""Seconds over which the load is measured."""
SPARE, LACK = 0.2, 0.5
"""Share of a core that may be missing for one more thread to be taken, or for one to be kept."""
CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""What a container may use of the processor (cgroup v2): a time, and out of which."""


def threads_for(free: float, threads: int, most: int) -> int:
    """Threads to go on with. What lies between `SPARE` and `LACK` changes nothing.

    Args:
        free: cores that nothing else uses.
        threads: as it was.
        most: as many are never exceeded; at least one is always taken.
    """
    take, keep = int(max(0, free) + SPARE), int(max(0, free) + LACK)
    return max(1, min(max(threads, take), keep, most))


UNKNOWN = (psutil.Error, OSError, NotImplementedError)
"""What psutil raises where the load cannot be known."""


def most_threads(limit: Path = CGROUP_LIMIT) -> int:
    """What PyTorch takes by itself (the cores, or what OMP_NUM_THREADS says), within a limit."""
    taken = torch.get_num_threads()
    try:
        quota, period = map(float, limit.read_text().split())
    except (OSError, ValueError):  # no container, or "max"
        return taken
    return max(1, min(taken, int(quota / period)))


class Load(Protocol):
    """Measures what other programs do."""

    def free(self) -> float | None:
        """Cores that other programs left since the last call; None: it cannot be known."""


class SystemLoad:
    """The load as the operating system counts it, of the cores this process may use."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        every = range(psutil.cpu_count() or 1)
        affinity: Callable[[], Sequence[int]] | None
        affinity = getattr(self._process, "cpu_affinity", None)  # macOS has none
        self.cores = list(affinity() if affinity else every)
        """Numbers of the cores."""
        self._last = self._read()

    def free(self) -> float | None:
        """Cores that are idle or our own since the last call."""
        before, self._last = self._last, self._read()
        seconds, idle, own, counted = (b - a for a, b in zip(before, self._last, strict=True))
        # Some sandboxes report a load that never changes.
        if seconds <= 0 or counted <= 0:
            return None
        return min((idle + own) / seconds, len(self.cores))

    def _read(self) -> tuple[float, float, float, float]:
        """Seconds: by the clock, idle, our own, and counted in any way."""
        cores = psutil.cpu_times(percpu=True)
        cores = [cores[i] for i in self.cores if i < len(cores)]
        own = self._process.cpu_times()
        idle = sum(core.idle + getattr(core, "iowait", 0.0) for core in cores)
        return time.monotonic(), idle, own.user + own.system, sum(map(sum, cores))


class ThreadPolicy:
    """Decides for all threads of this process in which models compute.

    Args:
        most: threads that are never exceeded, and to begin with.
        load: what is measured; None: nothing, the number stays.
    """

    def __init__(self, most: int, load: Load | None = None) -> None:
        self.threads = most
        """How many threads a model computes with just now."""
        self._most, self._load = most, load
        self._computing: set[int] = set()

    def measure(self) -> None:
        """Decide anew. Models that compute side by side share the free cores."""
        models, self._computing = max(1, len(self._computing)), set()
        free = self._load.free() if self._load else None
        if free is not None:
            self.threads = threads_for(free / models, self.threads, self._most)

    def apply(self) -> None:
        """Let this thread's operations run on as many threads as was decided."""
        self._computing.add(threading.get_ident())
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)  # OpenMP's number belongs to the calling thread


MOST = most_threads()
_policy: ThreadPolicy | None = None


def use(threads: int = 0) -> None:
    """Choose how many threads the models of this process compute with.

    Args:
        threads: the number; 0 follows the load.

    Raises:
        UserError: the number is negative.
    """
    global _policy
    if threads < 0:
        raise UserError(f"threads is {threads}: give a number of threads, or 0 to follow the load.")
    load: Load | None = None
    if not threads:
        try:
            load = SystemLoad()
        except UNKNOWN as error:
            log.warning("The load cannot be measured (%s): models take %s threads.", error, MOST)
    _policy = policy = ThreadPolicy(threads or MOST, load)
    if load is not None:
        threading.Thread(target=_watch, args=(policy,), name="antiphon-load", daemon=True).start()


def follow_load() -> None:
    """Called by the models between two steps, in the thread that computes them."""
    if _policy is not None:
        _policy.apply()


def following_load(items: Iterable[T]) -> Generator[T, None, None]:
    """The items, each made on as many threads as the load allows."""
    follow_load()
    for item in items:
        yield item
        follow_load()


def _watch(policy: ThreadPolicy) -> None:
    while policy is _policy:
        time.sleep(WINDOW)
        try:
            policy.measure()
        except UNKNOWN as error:
            log.warning("The load cannot be measured any more: %s", error)
            return
