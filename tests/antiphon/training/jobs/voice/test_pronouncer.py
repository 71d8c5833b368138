"""Training of the pronouncer."""

from __future__ import annotations

from antiphon.training.jobs.voice.pronouncer import distance


def test_edit_distance():
    assert distance([*b"kitten"], [*b"sitting"]) == 3
    assert distance([], [*b"abc"]) == 3
