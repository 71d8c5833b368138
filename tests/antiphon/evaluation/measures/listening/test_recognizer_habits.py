"""Recognizers with known habits are said to have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_recognizer import RATE, LevelRecognizer, LoudSilero, sound

from antiphon.evaluation.measures.listening import recognizer_habits as habits
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.segmentation import Segmenter
from antiphon.recognition.transcript import Segment, Transcript, Word


class Reader:
    """Writes what a function makes of its options and of the sound's loudest value."""

    longest, languages, name = 20 * RATE, (), "reader"

    def __init__(self, write):
        self.write = write

    def start(self, options=None):
        return options, 0.0

    def feed(self, pcm, state):
        return state[0], max(state[1], float(np.abs(pcm).max()))

    def finish(self, state):
        written = self.write(*state)
        return written if isinstance(written, Transcript) else Transcript(written)


class Hasty(Reader):
    """Writes four nines until it has heard so many samples, and fives from then on."""

    def __init__(self, samples):
        super().__init__(lambda heard, _: " ".join(4 * ["five" if heard >= samples else "nine"]))

    def start(self, options=None):
        return 0, 0.0

    def feed(self, pcm, state):
        return state[0] + len(pcm), 0.0


def listener(recognizer):
    silero: Any = LoudSilero()
    return LongAudio(recognizer, Segmenter(20 * RATE, silero))


QUIET, LOUD = sound((2, 0.4)), sound((2, 0.8))


def test_languages_found_are_counted_for_each():
    deaf = Reader(lambda options, level: Transcript("Ja.", language="de"))
    found = habits.languages(listener(deaf), [(QUIET, "de"), (LOUD, "en"), (LOUD, "de")])
    assert found["lid"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["lid_of"] == {"de": 1.0, "en": 0.0} and found["lid_clips"] == 3
    assert found["lid_interval"][0] < found["lid"] < found["lid_interval"][1]


def test_text_given_out_too_early_is_a_gap():
    clip = sound((1, 0), (6, 0.35), (1, 0)), "five five five five"
    steady = habits.streaming(listener(Hasty(0)), [clip])
    assert (steady["wer_stream"], steady["stream_gap"]) == (0, 0)
    hasty = habits.streaming(listener(Hasty(4 * RATE)), [clip])
    assert hasty["wer_stream"] == hasty["stream_gap"] >= 50


def heard(*words):
    """A transcript of words and their confidence."""
    placed = tuple(Word(w, i * RATE, (i + 1) * RATE, sure) for i, (w, sure) in enumerate(words))
    text = " ".join(word.text for word in placed)
    return Transcript(text, segments=(Segment(text, 0, len(placed) * RATE, placed),))


def test_confidence_is_compared_with_what_is_right():
    honest = Reader(lambda options, level: heard(("red", 1.0), ("rows", 0.0)))
    found = habits.trust(listener(honest), [(LOUD, "red roses")])
    assert (found["confidence_error"], found["confidence_words"]) == (0, 2)
    assert found["confidence"] == found["words_right"] == 50
    proud = Reader(lambda options, level: heard(("red", 0.9), ("rows", 0.9)))
    assert habits.trust(listener(proud), [(LOUD, "red roses")])["confidence_error"] == 40
    silent = Reader(lambda options, level: heard(("red", None)))
    assert habits.trust(listener(silent), [(LOUD, "red roses")]) == {}


def test_names_that_only_a_context_brings_are_its_gain():
    names = ["Ada", "Zuse", "Lovelace"]
    helped = Reader(
        lambda options, level: "I met Zuse." if "Zuse" in options.context else "I met Susan."
    )
    found = habits.context(listener(helped), [(LOUD, "Zuse"), (LOUD, "Zuse")])
    assert (found["names_with_context"], found["names_without"]) == (100, 0)
    assert found["context_gain"] == 100 and found["context_gain_interval"] == [100, 100]
    assert set(habits.listed(names, np.random.default_rng(0), "Zuse")) == set(names)


def test_a_list_that_is_read_out_is_an_echo_and_a_name_that_is_said_is_not():
    echo = Reader(lambda options, level: ", ".join(options.context) if level > 0.6 else "Ada Zuse")
    sounds = [(LOUD, ""), (QUIET, "Ada Zuse"), (QUIET, "")]
    found = habits.echoing(listener(echo), sounds, ["Ada", "Zuse", "Lovelace"])
    assert found == {"context_echo": 2, "context_echo_of": 3}


def test_work_that_grows_is_not_flat(monkeypatch):
    monkeypatch.setattr(habits, "MINUTE", 4 * RATE)
    clock = iter(np.cumsum(np.repeat(np.arange(1, 11), 2)).tolist())
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    found = habits.flatness(listener(LevelRecognizer()), LOUD)
    assert found["flat"] == 2.0
