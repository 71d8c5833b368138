"""Work that nobody waits for stops where it stands."""

from __future__ import annotations

import math

import pytest

from antiphon_codecs.interruption import Cancelled, checkpoint, due, interruptible


def layers(log):
    """Three items of four layers each."""
    try:
        for item in range(3):
            for layer in range(4):
                checkpoint()
                log.append((item, layer))
            yield item
    finally:
        log.append("closed")


class After:
    """Says yes from the nth time on."""

    def __init__(self, times):
        self.left = times

    def __call__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("times", range(16))
def test_an_item_is_left_between_layers(times):
    log: list = []
    items = list(interruptible(layers(log), After(times)))
    done = [entry for entry in log if entry != "closed"]
    # Each item asks once itself, and once before each of its layers.
    assert len(done) == times - -(-times // 5)
    assert items == list(range(len(done) // 4))
    assert log[-1:] == ["closed"] or times == 0


def test_whoever_closes_closes_the_work():
    log: list = []
    items = interruptible(layers(log), lambda: False)
    assert next(items) == 0
    items.close()
    assert log[-1] == "closed"


def test_between_items_nobody_else_is_interrupted():
    items = interruptible(layers([]), After(8))
    assert next(items) == 0
    checkpoint()
    assert list(items) == []
    checkpoint()


def test_one_answer_inside_another_is_cancelled_alone():
    def outer():
        yield list(interruptible(layers([]), lambda: True))
        yield list(interruptible(layers([]), lambda: False))
        checkpoint()
        yield "not reached"

    asked = After(2)
    assert list(interruptible(outer(), asked)) == [[], [0, 1, 2]]


def test_what_raises_for_other_reasons_raises():
    def broken():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(interruptible(broken(), lambda: False))
    with pytest.raises(Cancelled):
        raise Cancelled


def test_work_inside_other_work_is_due_with_it_unless_said_otherwise():
    def told(when):
        yield from interruptible(iter_of(lambda: due()()), lambda: False, when)

    items = interruptible(told(None), lambda: False, lambda: 2.0)
    assert next(items) == 2.0
    assert due()() == math.inf
    assert next(interruptible(told(lambda: 1.0), lambda: False, lambda: 2.0)) == 1.0


def iter_of(made):
    yield made()
