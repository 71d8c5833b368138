"""The number of threads follows what other programs leave, and does not flap."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.compute import cpu_threads
from antiphon.compute.cpu_threads import LACK, SPARE, SystemLoad, ThreadPolicy, threads_for
from antiphon.errors import UserError

CORES = st.floats(-1, 64, allow_nan=False)
MOST = st.integers(1, 64)


class Loads:
    """Free cores, one number a measurement."""

    def __init__(self, *free: float | None) -> None:
        self._free = iter(free)

    def free(self) -> float | None:
        return next(self._free)


@pytest.fixture
def own_threads(monkeypatch):
    """The process's policy and PyTorch's number as they were."""
    before = torch.get_num_threads()
    monkeypatch.setattr(cpu_threads, "_policy", None)
    yield
    torch.set_num_threads(before)


@given(CORES, MOST, MOST)
def test_a_steady_load_settles_at_once_and_for_good(free, threads, most):
    chosen = threads_for(free, threads, most)
    assert threads_for(free, chosen, most) == chosen
    assert 1 <= chosen <= most


@given(CORES, MOST, MOST)
def test_no_more_threads_than_free_cores_and_no_core_left_idle(free, threads, most):
    chosen = threads_for(free, threads, most)
    assert chosen <= max(1, free + LACK)
    assert chosen == most or chosen > free + SPARE - 1


@given(st.floats(0, 64), st.floats(0, LACK - SPARE - 1e-6), MOST, MOST)
def test_a_load_that_wavers_a_little_does_not_change_the_number_twice(free, more, threads, most):
    low = threads_for(free, threads, most)
    high = threads_for(free + more, low, most)
    assert threads_for(free, high, most) == high


@given(st.floats(0, 64), st.floats(0, 8), MOST, MOST)
def test_more_free_cores_never_mean_fewer_threads(free, more, threads, most):
    assert threads_for(free, threads, most) <= threads_for(free + more, threads, most)


def test_a_program_that_comes_and_goes_on_two_cores():
    policy = ThreadPolicy(2, Loads(1.95, 1.6, 1.05, 1.6, None, 1.9))
    seen = []
    for _ in range(6):
        policy.measure()
        seen.append(policy.threads)
    assert seen == [2, 2, 1, 1, 1, 2]


def test_models_side_by_side_share_the_cores(own_threads):
    policy = ThreadPolicy(4, Loads(4.0, 4.0))
    both = threading.Barrier(2)  # a number of a thread that ended is given to another

    def compute():
        policy.apply()
        both.wait()

    workers = [threading.Thread(target=compute) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    policy.measure()
    assert policy.threads == 2
    policy.measure()
    assert policy.threads == 4


def test_the_thread_that_computes_is_the_one_that_changes(own_threads, monkeypatch):
    policy = ThreadPolicy(2, Loads(2.0, 1.0))
    monkeypatch.setattr(cpu_threads, "_policy", policy)
    seen, measured = [], threading.Barrier(2)

    def compute():
        for _ in range(2):
            measured.wait()
            cpu_threads.follow_load()
            seen.append(torch.get_num_threads())
            measured.wait()

    worker = threading.Thread(target=compute)
    worker.start()
    for _ in range(2):
        policy.measure()
        measured.wait()
        measured.wait()
    worker.join()
    assert seen == [2, 1]


@pytest.mark.parametrize(
    ("limit", "most"), [("max 100000", 4), ("150000 100000", 1), ("300000 100000", 3), ("", 4)]
)
def test_a_container_computes_with_what_it_may_use(own_threads, tmp_path, limit, most):
    torch.set_num_threads(4)
    (tmp_path / "cpu.max").write_text(limit)
    assert cpu_threads.most_threads(tmp_path / "cpu.max") == most
    assert cpu_threads.most_threads(tmp_path / "missing") == 4


def test_a_number_that_was_chosen_stays(own_threads):
    cpu_threads.use(2)
    assert list(cpu_threads.following_load("ab")) == ["a", "b"]
    assert torch.get_num_threads() == 2
    with pytest.raises(UserError, match="threads is -1"):
        cpu_threads.use(-1)


def counted(monkeypatch, *readings):
    """A machine of two cores; a reading is the clock, each core's idle seconds, and our own."""
    now = iter(readings)

    def cpu_times(percpu):
        clock, idle, own = next(now)
        monkeypatch.setattr("time.monotonic", lambda: clock)
        times = SimpleNamespace(user=own, system=0.0)
        monkeypatch.setattr(psutil.Process, "cpu_times", lambda self: times)
        return [Core(clock - each, each) for each in idle]

    monkeypatch.setattr(psutil, "cpu_times", cpu_times)
    monkeypatch.setattr(psutil, "cpu_count", lambda: len(readings[0][1]))
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: [0, 1], raising=False)
    return SystemLoad()


class Core(tuple):
    """Seconds of one core, as psutil counts them."""

    def __new__(cls, busy, idle):
        return super().__new__(cls, (busy, idle))

    idle = property(lambda self: self[1])


def test_our_own_work_is_no_load(monkeypatch):
    load = counted(monkeypatch, (0, (0, 0, 0), 0), (1, (0.5, 0, 1), 1.5), (2, (0.5, 1, 2), 1.5))
    assert load.free() == 2.0  # the third core is not ours to use
    assert load.free() == 1.0


def test_a_machine_that_tells_nothing_is_not_followed(own_threads, monkeypatch):
    def denied(self):
        raise psutil.AccessDenied

    monkeypatch.setattr(cpu_threads.SystemLoad, "_read", denied)
    cpu_threads.use(0)
    cpu_threads.follow_load()
    assert torch.get_num_threads() == cpu_threads.MOST


def test_a_machine_that_does_not_count_is_not_followed(monkeypatch):
    load = counted(monkeypatch, (0, (0, 0), 0), (0, (0, 0), 0))
    assert load.free() is None
    policy = ThreadPolicy(2, Loads(None))
    policy.measure()
    assert policy.threads == 2
