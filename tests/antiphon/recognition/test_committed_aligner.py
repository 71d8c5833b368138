"""The committed aligner places words where voices that it never heard say them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from antiphon import audio_file, weights
from antiphon.evaluation.measures.listening.alignment import shift
from antiphon.recognition.alignment.aligner import ALIGNERS
from antiphon.training.corpora.hearing.timed_speech import timed_voice

QUESTIONS = Path(__file__).parents[3] / "assets" / "questions"
SAID = "What do you want to remember about today?"
TEXTS = (
    "The old bridge was closed for the whole winter.",
    "I would like a table for two near the window, please.",
)
TOLERANCE_MS = 45.0
"""Mean shift of words at most."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(weights.is_ready(weights.ENTRIES[n]) for n in ("whisper-tiny.en", "silero-vad")),
        reason="weights not fetched",
    ),
]


@pytest.fixture(scope="module")
def aligner():
    return ALIGNERS.get("slots")("whisper-base")


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs the Debian package flite")
def test_an_unheard_voice_is_aligned_within_the_tolerance(aligner):
    shifts = []
    for text in TEXTS:
        said = timed_voice("flite:rms")(text)
        assert said is not None
        shifts.append(shift(aligner.align(said.pcm, text).words, said.words))
    assert np.concatenate(shifts).mean() <= TOLERANCE_MS


def test_a_person_is_aligned_where_there_is_speech(aligner):
    pcm = audio_file.read(QUESTIONS / "today.wav", 16_000)
    found = aligner.align(pcm, SAID)
    loud = np.abs(pcm)
    inside = np.concatenate([loud[word.start : word.end] for word in found.words])
    assert all(a.end <= b.start for a, b in zip(found.words, found.words[1:], strict=False))
    assert all(word.end > word.start for word in found.words)
    assert inside.sum() > 0.9 * loud.sum() and found.fits_until is None


def test_what_was_not_said_is_unsure(aligner):
    pcm = audio_file.read(QUESTIONS / "today.wav", 16_000)
    other = aligner.align(pcm, "Twelve angry sailors painted every lighthouse")
    assert other.fits_until is not None
