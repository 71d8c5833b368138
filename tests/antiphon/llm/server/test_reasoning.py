"""What a model thinks is not spoken, however its text is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.llm.server.reasoning import ReasoningFilter

TEXTS = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "</", "thi", "nk>", ">", " ", "a", "two. ", "é"]),
    max_size=12,
).map("".join)


def filtered(pieces):
    reasoning = ReasoningFilter()
    return "".join(map(reasoning.feed, pieces)) + reasoning.finish()


def without(text):
    """The same by one pattern over the whole text."""
    return re.sub(r"<think>.*?(</think>|\Z)", "", text, flags=re.S).replace("</think>", "")


@given(TEXTS, st.lists(st.integers(1, 9), min_size=1))
def test_cuts_make_no_difference(text, lengths):
    pieces, rest = [], text
    for length in lengths:
        pieces, rest = [*pieces, rest[:length]], rest[length:]
    once = filtered([text])
    assert filtered([*pieces, rest]) == once == filtered(text)
    assert "<think>" not in once and "</think>" not in once


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>Hm, 2 < 3.</think>Two.", "Two."),
        ("<think></think>\n\nTwo.", "\n\nTwo."),
        ("One. <think>Really?</think>Two.", "One. Two."),
        ("<think>and it never ends", ""),
        ("</think>Two.", "Two."),
        ("a < b and a <thin line", "a < b and a <thin line"),
        ("ends in <thi", "ends in <thi"),
    ],
)
def test_reasoning_is_left_out(text, said):
    assert filtered(text) == filtered([text]) == said


def test_what_cannot_be_a_mark_is_not_held():
    reasoning = ReasoningFilter()
    assert reasoning.feed("Hello <") == "Hello "
    assert reasoning.feed("b>") == "<b>"
    assert reasoning.feed(" you") == " you"
