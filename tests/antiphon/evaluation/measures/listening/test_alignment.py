"""Shifts are what they are defined as, in every kind of scene."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from antiphon.errors import UserError
from antiphon.evaluation.measures.listening.alignment import (
    MINUTE,
    Scene,
    doubts,
    evaluate,
    scenes,
    shift,
    told,
)
from antiphon.recognition.alignment.aligner import Alignment
from antiphon.recognition.transcript import Word

MS = 16
"""Samples."""


def scene(*times, length=2000):
    words = tuple(Word(f"w{i}", a * MS, b * MS) for i, (a, b) in enumerate(times))
    return Scene(np.ones(length * MS, np.float32), words)


class Late:
    """Hears every word so many milliseconds late."""

    name = "late"

    def __init__(self, known, late, deaf=False):
        self.known, self.late, self.deaf = known, late, deaf

    def align(self, pcm, text, language=None):
        if self.deaf:
            raise UserError("Nobody speaks.")
        (words,) = [each.words for each in self.known if len(each.pcm) == len(pcm)]
        return Alignment(tuple(word.moved(self.late * MS) for word in words), len(pcm))


def test_a_shift_is_the_mean_of_start_and_end():
    true = scene((100, 200), (300, 400)).words
    found = scene((110, 200), (270, 450)).words
    assert shift(found, true).tolist() == [5.0, 40.0]


def test_an_aligner_that_is_late_is_said_to_be():
    known = [scene((0, 100), (100, 500)), scene((50, 60), length=900)]
    result = evaluate({"late": Late(known, 150)}, {"clean": known})["late"]["clean"]
    assert result["aas_ms"] == 150 and result["interval"] == [150, 150]
    assert result["far"] == 1.0 and result["words"] == 3 and result["recordings"] == 2


def test_a_recording_in_which_nothing_is_heard_counts():
    known = [scene((0, 1000))]
    result = evaluate({"deaf": Late(known, 0, deaf=True)}, {"clean": known})["deaf"]["clean"]
    assert result["failed"] == 1 and result["aas_ms"] == pytest.approx(1500)


def test_scenes_hold_every_word_where_it_is():
    spoken = [scene((100, 200), (300, 1900)) for _ in range(50)]
    found = scenes(spoken, {"double": lambda pcm: 2 * pcm}, {"1 min": 1.0, "9 min": 9.0})
    assert list(found) == ["clean", "double", "1 min", "9 min"]
    assert found["double"][0].pcm.max() == 2
    assert all(len(each.pcm) >= MINUTE for each in found["1 min"])
    (whole,) = found["9 min"]  # less than asked for, but all there is
    assert len(whole.words) == 100
    for before, after in pairwise(whole.words):
        assert before.end <= after.start
    for word in whole.words:
        assert whole.pcm[word.start : word.end].all()


def test_confidence_tells_which_words_are_far_off():
    shifts = np.array([10.0, 20.0, 300.0, 400.0])
    assert told(shifts, [0.9, 0.8, 0.1, 0.2]) == {"told": 1.0}
    assert told(shifts, [0.9, 0.5, 0.5, None]) == {"told": 0.75}
    assert told(shifts, [0.1, 0.2, 0.8, 0.9]) == {"told": 0.0}
    assert told(shifts, [None] * 4) == told(shifts[:2], [0.9, 0.8]) == {}


class Believer(Late):
    """Believes in the texts it knows."""

    def align(self, pcm, text, language=None):
        (known,) = [each.words for each in self.known if len(each.pcm) == len(pcm)]
        words = [Word(w, 100 * i, 100 * i + 100) for i, w in enumerate(text.split())]
        sure = 0.9 if [w.text for w in words] == [w.text for w in known] else 0.1
        return Alignment(tuple(replace(word, confidence=sure) for word in words), len(pcm))


def test_texts_that_were_not_said_are_found():
    known = [scene((0, 100), length=900), scene((0, 100), (100, 200), length=1000)]
    assert doubts(Believer(known, 0), known) == {
        "doubted": 0.0, "found": 1.0, "sure": 0.9, "unsure": 0.1,
    }  # fmt: skip
    assert doubts(Late(known, 0), [known[0]]) == {}
