"""A ring between two threads: samples come out as they went in, or as silence with soft edges."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from antiphon.runtime.audio.ring_buffer import Ring

STEPS = st.lists(st.tuples(st.sampled_from(["write", "read", "cut"]), st.integers(0, 40)))


def counted(start, count):
    """Samples that tell their own position, from 1 on."""
    return np.arange(start + 1, start + count + 1, dtype=np.float32)


def read(ring, count):
    out = np.full(count, np.nan, np.float32)
    return out, ring.read_into(out)


@given(capacity=st.integers(1, 50), steps=STEPS)
def test_what_comes_out_is_what_went_in_without_the_dropped(capacity, steps):
    ring, queue, dropped, made = Ring(capacity), [], 0, 0
    for step, count in steps:
        if step == "write":
            room = min(count, capacity - len(queue))
            queue += list(counted(made, room))
            assert ring.write(counted(made, count)) == room
            made += count
            dropped += count - room
        elif step == "read":
            out, got = read(ring, count)
            expected, queue = queue[:count], queue[count:]
            assert got == len(expected)
            assert out.tolist() == expected + [0.0] * (count - got)
        else:
            assert ring.cut() == ring.position
            read(ring, 0)
            queue = []
        assert ring.level == len(queue) and ring.dropped == dropped


@given(level=st.integers(0, 100), ask=st.integers(1, 60), fade=st.integers(1, 30))
def test_a_cut_fades_and_the_next_sound_follows(level, ask, fade):
    ring = Ring(200, fade)
    ring.write(np.ones(level, np.float32))
    end = ring.cut()
    ring.write(np.full(60, 0.5, np.float32))
    out, got = read(ring, ask)

    faded = min(level, fade, ask)
    assert end == min(level, fade)
    assert np.all(np.diff(out[:faded]) <= 0)
    if faded:
        assert out[faded - 1] == 0
    assert np.all(out[faded:] == 0.5) and got == ask
    assert ring.level == 60 - (ask - faded)


@given(level=st.integers(0, 100), fade=st.integers(1, 30))
def test_running_dry_fades_to_silence(level, fade):
    ring = Ring(200, fade)
    ring.write(np.ones(level, np.float32))
    out, got = read(ring, 150)
    assert got == level and np.all(out[level:] == 0)
    assert np.all(np.diff(out) <= 0)
    assert np.all(out[: max(level - fade, 0)] == 1)
    if level >= fade:
        assert np.abs(np.diff(out[: level + 1])).max() <= 1 / fade + 1e-6


def test_two_threads_lose_nothing():
    ring, count = Ring(1000), 200_000
    received = []

    def consume():
        position = 0
        while position < count:
            out, got = read(ring, 137)
            received.append(out[:got].copy())
            position += got

    reader = threading.Thread(target=consume)
    reader.start()
    position = 0
    while position < count:
        block = np.arange(position, min(position + 241, count), dtype=np.float32)
        position += ring.write(block)
    reader.join(60)
    assert np.array_equal(np.concatenate(received), np.arange(count, dtype=np.float32))
