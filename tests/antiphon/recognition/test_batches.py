"""Recordings that are heard together give what each gives by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_recognizer import RATE, LevelRecognizer, LoudSilero, sound
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.recognition.batches import BATCH, GATHERED, transcribe_all
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.segmentation import Segmenter
from antiphon.recognition.transcript import Options


class BatchLevelRecognizer(LevelRecognizer):
    """Hears several at once, and remembers how many."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def transcribe_batch(self, clips, options):
        self.sizes.append(len(clips))
        return [self.finish(self.feed(clip, self.start(options))) for clip in clips]


def listening(recognizer):
    silero: Any = LoudSilero()
    return LongAudio(recognizer, Segmenter(recognizer.longest, silero))


SAID = st.tuples(st.floats(0.3, 1.2), st.sampled_from([0.35, 0.55, 0.75]))
TALKS = st.lists(st.lists(SAID, max_size=4), max_size=5)


@settings(max_examples=15)
@given(TALKS, st.integers(1_000, 30_000))
def test_each_recording_has_its_own_transcript(talks, piece):
    talks = [sound((0.5, 0), *(part for each in talk for part in (each, (2, 0)))) for talk in talks]
    cut = [np.split(pcm, range(piece, len(pcm), piece)) for pcm in talks]
    together = list(transcribe_all(listening(BatchLevelRecognizer()), cut))
    assert together == [listening(LevelRecognizer()).transcribe(pcm) for pcm in talks]


def test_utterances_of_several_recordings_are_heard_at_once():
    recognizer = BatchLevelRecognizer()
    talks = [[sound((0.5, 0), (0.5 + i / 100, 0.35), (2, 0))] for i in range(2 * BATCH + 1)]
    found = list(transcribe_all(listening(recognizer), talks))
    assert len(found) == len(talks) and recognizer.sizes == [BATCH, BATCH]


def test_a_long_recording_is_heard_while_it_is_read():
    recognizer, read = BatchLevelRecognizer(), []

    def pieces():
        for _ in range(3 * GATHERED):
            read.append(len(recognizer.sizes))
            yield sound((0.5, 0.35), (2, 0))

    list(transcribe_all(listening(recognizer), [pieces()]))
    assert read[-1] >= 2 * GATHERED // BATCH


def test_a_recording_that_cannot_be_read_harms_no_other():
    def broken():
        yield sound((1, 0.35), (2, 0))
        raise UserError("It ends in the middle.")

    talk = sound((1, 0.55), (2, 0))
    first, second = transcribe_all(listening(BatchLevelRecognizer()), [broken(), [talk]])
    assert isinstance(first, UserError) and "middle" in str(first)
    assert second == listening(LevelRecognizer()).transcribe(talk)


def test_a_language_nobody_knows_is_refused_before_anything_is_heard():
    recognizer = BatchLevelRecognizer()
    with pytest.raises(UserError, match="does not know french"):
        list(
            transcribe_all(
                listening(recognizer), [[np.ones(RATE, np.float32)]], Options(language="fr")
            )
        )
    assert not recognizer.sizes
