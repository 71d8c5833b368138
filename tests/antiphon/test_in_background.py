"""Items made ahead: in order, with their errors, and no longer than somebody wants them."""

from __future__ import annotations

import threading

import pytest

from antiphon.in_background import in_background
from antiphon_codecs.interruption import checkpoint, interruptible


def test_items_are_made_while_the_caller_works():
    third = threading.Event()

    def items():
        yield 1
        yield 2
        third.set()
        yield 3

    found = in_background(items())
    assert next(found) == 1
    assert third.wait(10)  # nobody has asked for it
    assert list(found) == [2, 3]


def test_errors_come_in_their_place():
    def items():
        yield 1
        raise ValueError("broken")

    found = in_background(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)


def test_closing_stops_the_thread():
    over, going = threading.Event(), threading.Event()

    def items():
        try:
            yield 1
            assert going.wait(10)
            yield 2
            raise AssertionError("nobody wants a third")
        finally:
            over.set()

    found = in_background(items())
    next(found)
    found.close()
    going.set()
    assert over.wait(10)


def test_cancelling_stops_it_in_the_middle_of_an_item():
    cancelled, begun = threading.Event(), threading.Event()

    def items():
        yield 1
        begun.set()
        while True:
            checkpoint()

    found = interruptible(in_background(items()), cancelled.is_set)
    assert next(found) == 1
    assert begun.wait(10)
    cancelled.set()
    assert list(found) == []
