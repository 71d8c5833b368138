"""Segments come early, end where a speaker would breathe, and lose no token."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.messages import Token
from antiphon.t2c.trigger import BreathTrigger, EchoXTrigger


def tokens(*pieces):
    return [Token(i, piece, torch.zeros(4)) for i, piece in enumerate(pieces)]


def cut(*pieces):
    return [s.text for s in BreathTrigger().cut(tokens(*pieces))]


def test_a_short_reply_is_spoken_before_its_end():
    assert (
        cut("The", " capital", " of", " France", " is", " Paris", ".")[0] == "The capital of France"
    )


def test_the_first_segment_waits_for_at_most_six_tokens():
    pulled = 0

    def stream():
        nonlocal pulled
        for token in tokens(*(f" word{chr(97 + i)}" for i in range(20))):
            pulled += 1
            yield token

    next(BreathTrigger().cut(stream()))
    assert pulled <= 6


def test_a_pause_in_writing_is_the_best_place():
    assert cut("Yes", ",", " it", " is", " very", " cold", " there", ".") == [
        "Yes,",
        " it is very cold there.",
    ]


def test_the_beginning_of_a_phrase_is_better_than_any_other_space():
    assert cut("We", " went", " home", " after", " that", " ended", ".")[0] == "We went home"
    assert (
        cut("We", " went", " home", " rather", " late", " today", ".")[0] == "We went home rather"
    )


def test_a_name_of_many_tokens_is_not_spoken_alone():
    """A listener takes "Romeo", said without knowing what follows, for another word."""
    assert cut("R", "ome", "o", " and", " Juliet", " is", " sad", ".")[0] == "Romeo and"
    assert cut("K", "ilim", "anj", "aro", " is", " high", ".")[0] == "Kilimanjaro is"
    assert cut("R", "ome", "o", "!", " Come", " here", ".")[0] == "Romeo!"


def test_what_is_read_by_its_neighbours_keeps_them():
    assert cut("The", " symbol", " for", " sodium", " is", " Na", ",", " and")[0].endswith("Na,")
    assert cut("Children", " can", " get", " lead", " poisoning", " there")[0].endswith("poisoning")


def test_numbers_titles_and_abbreviations_stay_whole():
    text = ["Dr", ".", " Smith", " paid", " 3", ".", "5", " million", " for", " it", "."]
    for segment in cut(*text)[:-1]:
        assert not segment.endswith(("Dr.", "3", "3.", "3.5"))


@given(st.lists(st.text(" ab,.1\n", max_size=4), max_size=60))
def test_nothing_is_lost_and_the_last_segment_is_final(pieces):
    given_tokens = tokens(*pieces)
    segments = list(BreathTrigger().cut(given_tokens))
    assert [t for s in segments for t in s.tokens] == given_tokens
    assert [s.final for s in segments] == [False] * (len(segments) - 1) + [True] * bool(segments)


def test_echox_rule_waits_for_a_peak_of_twenty_tokens_and_five_more():
    period = torch.tensor([1.0, 0.0])
    peak, flat = torch.tensor([1.0, 0.1]), torch.tensor([-1.0, 0.5])
    stream = [Token(0, " a", peak if i == 24 else flat) for i in range(40)]
    pulled = iter(stream)
    first = next(EchoXTrigger(period).cut(pulled))
    assert len(first.tokens) == 25
    assert len(list(pulled)) == 40 - 30
