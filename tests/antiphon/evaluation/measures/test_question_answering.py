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
    assert result["accuracy_cascade"] == 100 and result["ratio"] == 0.5
    assert result["questions"] == 4
    low, high = result["interval_s2t"]
    assert 0 < low < 50 < high < 100


def test_an_answer_that_is_not_understood_is_not_heard():
    questions = [Question("Capital?", ("Paris",))] * 2
    answers = iter(["It is Paris.", "It is parrots."])
    ways = dict.fromkeys(
        question_answering.WAYS,
        lambda text, pcm: question_answering.Answer("It is Paris.", lambda: next(answers)),
    )
    result = question_answering.evaluate(questions, [lambda text: sound(1.0)], ways)
    assert result["accuracy_s2t"] == 100 and result["accuracy_s2s"] == 50
    assert result["heard_ratio"] == 0.5


def test_what_transcribes_first_is_asked_once():
    heard = []

    def hear(text, pcm):
        heard.append(text)
        return question_answering.Answer("It is Paris.", lambda: "It is Paris.")

    def read(text, pcm):
        return question_answering.Answer("It is Rome.", lambda: "It is Rome.")

    result = question_answering.evaluate(
        [Question("Capital?", ("Paris",))],
        [lambda text: sound(1.0)],
        {"text": read, "s2t": hear, "cascade": hear},
    )
    assert len(heard) == 1
    assert result["accuracy_s2t"] == result["accuracy_cascade"] == result["accuracy_s2s"] == 100
    assert result["accuracy_text"] == 0


def test_the_interval_of_a_ratio_holds_it_and_narrows():
    some, base = [True, False] * 5, [True] * 10
    found, (low, high) = question_answering.ratio(some, base)
    assert low < found == 0.5 < high
    _, (lower, higher) = question_answering.ratio(some * 40, base * 40)
    assert low < lower < 0.5 < higher < high


def test_few_right_answers_still_have_an_interval():
    found, (low, high) = question_answering.ratio([True] * 2 + [False] * 48, [True] + [False] * 49)
    assert found == 2 and 0 < low < high < math.inf


def test_no_right_answer_at_all_has_no_ratio():
    wrong = {way: [False] for way in (*question_answering.WAYS, "s2s")}
    assert math.isnan(question_answering.compared(wrong)["ratio"])
