"""Answers to spoken questions."""

from __future__ import annotations

import math

import numpy as np

from antiphon.evaluation.material import Question
from antiphon.evaluation.measures import (
    question_answering,
)


def sound(value: float) -> np.ndarray:
    """Sound that a judge of these tests can read: one number."""
    return np.full(1600, value, np.float32)


def test_questions_are_asked_in_turn_and_answers_counted():
    questions = [Question("Capital?", ("Paris",)), Question("Year?", ("1988",))] * 2
    spoken = []

    def speaker(name):
        def speak(text):
            spoken.append((name, text))
            return sound(1.0)

        return speak

    right = {"Capital?": "It is Paris.", "Year?": "In 1988."}
    ways = {
        "text": lambda text, pcm: question_answering.Answer(right[text], lambda: right[text]),
        "s2t": lambda text, pcm: question_answering.Answer(right["Year?"], lambda: right[text]),
        "cascade": lambda text, pcm: question_answering.Answer(right[text], lambda: "mumble"),
    }

    result = question_answering.evaluate(questions, [speaker("a"), speaker("b")], ways)

    assert [name for name, _ in spoken] == ["a", "b", "a", "b"]
    assert result["accuracy_text"] == 100 and result["accuracy_s2t"] == 50
    assert result["accuracy_cascade"] == 0 and result["ratio"] == 0.5
    assert result["written"] == {"text": 100, "s2t": 50, "cascade": 100}


def test_no_right_answer_at_all_has_no_ratio():
    wrong = [(False, False)]
    assert math.isnan(
        question_answering.compared({"text": wrong, "s2t": wrong, "cascade": wrong})["ratio"]
    )
