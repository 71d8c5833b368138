"""Replies as they are spoken."""

import pytest

from antiphon.training.corpora.voice import spoken_replies


@pytest.mark.parametrize(
    ("question", "answers", "reply"),
    [
        ("What is the capital of France?", ["Paris"], "The capital of France is Paris."),
        ("Who painted the ceiling?", ["Michelangelo"], "Michelangelo painted the ceiling."),
        ("Where is Vernon?", ["Virginia"], "Vernon is in Virginia."),
    ],
)
def test_an_answer_becomes_a_sentence(question, answers, reply):
    assert spoken_replies.sentence(question, answers) == reply


def test_any_other_answer_is_led_in():
    reply = spoken_replies.sentence("what languages do they speak?", ["Dutch", "French", "German"])
    assert reply.endswith("Dutch, French and German.")


def test_hand_written_replies_can_be_spoken():
    pairs = spoken_replies.written()
    assert len(pairs) > 500
    for _, reply in pairs:
        assert len(reply.split()) <= 60
        assert not any(mark in reply for mark in ("*", "\n", "#", "`"))
