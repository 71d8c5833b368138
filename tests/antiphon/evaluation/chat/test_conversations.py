"""The conversations that are installed."""

from collections import Counter

import pytest

from antiphon.evaluation.chat.conversations import EXPECTED, Line, conversations
from antiphon.evaluation.measures import chat


def test_there_are_sixty_with_checks_of_every_kind():
    every = conversations()
    kinds = Counter(kind for each in every for kind in each.style)
    kinds.update(kind for each in every for line in each.lines for kind in line.expected)
    assert len(every) == 60 and kinds.total() >= 150
    assert set(kinds) == {*chat.EXPECTED, *chat.STYLE} and set(chat.EXPECTED) == set(EXPECTED)
    assert max(kinds.values()) <= kinds.total() / 4 and min(kinds.values()) >= 10


def test_nothing_is_asked_twice():
    said = [line.say for each in conversations() for line in each.lines]
    assert len(set(said)) == len(said)


def test_something_is_recalled_after_twenty_turns():
    assert any("memory" in line.expected for each in conversations() for line in each.lines[21:])


def test_what_is_expected_makes_sense():
    for line in (line for each in conversations() for line in each.lines):
        for kind, wanted in line.expected.items():
            if kind in ("unknown", "claims", "persona"):
                assert wanted is True or (kind == "persona" and wanted == "what")
            else:
                assert type(wanted) is int or (type(wanted) is list and all(wanted))


def test_a_key_that_is_not_known_is_an_error():
    with pytest.raises(TypeError):
        Line(say="Hi", sum=3)  # type: ignore[call-arg]
