"""Words are placed where a CTC head says their labels."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from antiphon.errors import UserError
from antiphon.recognition.alignment import ctc
from antiphon.recognition.alignment.ctc import CtcAligner
from antiphon.recognition.drax.recognizer import PAIR

LETTERS, BLANK = "abc", 3


def aligner(*labels):
    """An aligner whose head says these labels, a pair of frames each."""
    log_probs = torch.full((1, len(labels), 4), -9.0)
    for t, label in enumerate(labels):
        log_probs[0, t, label] = -0.1
    recognizer: Any = SimpleNamespace(
        name="toy",
        longest=16_000,
        transcriber=SimpleNamespace(
            encoder=SimpleNamespace(whole=lambda pcm: torch.zeros(2 * len(labels), 8))
        ),
        model=SimpleNamespace(
            middle=SimpleNamespace(read=lambda audio: audio, log_probs=lambda states: log_probs)
        ),
        vocabulary=SimpleNamespace(
            encode=lambda word: [LETTERS.index(sign) for sign in word if sign in LETTERS]
        ),
    )
    return CtcAligner(recognizer), np.zeros(len(labels) * PAIR, np.float32)


def placed(head, *words):
    found, pcm = head
    return [
        (word.start // PAIR, word.end // PAIR, round(word.confidence, 2))
        for word in found.place(pcm, words, None)
    ]


def test_words_begin_with_their_first_label_and_meet_without_a_pause():
    head = aligner(BLANK, 0, BLANK, 1, BLANK, 2, 2, BLANK)
    assert placed(head, "ab", "c") == [(1, 5, 0.9), (5, 8, 0.9)]


def test_a_pause_belongs_to_no_word():
    head = aligner(0, *[BLANK] * 20, 1, BLANK)
    first, second = placed(head, "a", "b")
    assert first == (0, 6, 0.9) and second[0] == 21


def test_a_word_that_is_not_said_is_unsure():
    found = placed(aligner(BLANK, 0, BLANK, 1, BLANK), "a", "c", "b")
    assert found[1][2] < 0.01 < found[0][2]


def test_signs_without_letters_are_placed_between_words():
    found = placed(aligner(BLANK, 0, BLANK, 1, BLANK), "a", "–", "b")
    assert found[0][0] <= found[1][0] <= found[2][0]


def test_more_words_than_sound_are_spread_and_not_believed():
    assert {word[2] for word in placed(aligner(0, 1), *"abcabc")} == {0.0}


def test_another_recognizer_is_refused(monkeypatch):
    monkeypatch.setattr(ctc, "from_pretrained", lambda name: object())
    with pytest.raises(UserError, match="needs a Drax, and whisper-base is none"):
        ctc.load("whisper-base")
