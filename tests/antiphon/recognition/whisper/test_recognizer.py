"""A recording is heard while it grows: nothing is lost, and the work grows no faster than it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from antiphon.recognition.whisper.recognizer import WhisperRecognizer

SECOND = 16_000


@pytest.fixture
def work(listener, monkeypatch):
    """Frames (50 a second) that were encoded, and decoded, hearing by hearing."""
    done = SimpleNamespace(encoded=[], decoded=[])

    def window(mel):
        done.encoded.append(len(mel) / 2)
        return torch.zeros((len(mel) + 1) // 2, listener.encoder.config.d_model)

    def transcribe(audio, draft=(), behind=None, request=None):
        done.decoded.append(len(audio))
        return SimpleNamespace(tokens=())

    monkeypatch.setattr(listener.encoder, "window", window)
    monkeypatch.setattr(listener.decoder, "transcribe", transcribe)
    return done


def hear(listener, seconds, chunk):
    """Hear a recording in chunks, and then what is left of it."""
    recognizer, pcm = WhisperRecognizer(listener), np.zeros(int(seconds * SECOND), np.float32)
    state = recognizer.start()
    for at in range(0, len(pcm), chunk):
        state = recognizer.feed(pcm[at : at + chunk], state)
    if state.fresh:
        listener.hear(state.encoder, state.hearing)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(1, 130), st.integers(1600, 20 * SECOND))
@example(2, 1600)
@example(10, 1600)
@example(60, 1600)
def test_the_work_is_at_most_five_times_the_sound(listener, work, seconds, chunk):
    work.encoded.clear()
    work.decoded.clear()
    hear(listener, seconds, chunk)
    assert sum(work.encoded) <= 5 * 50 * seconds + 2
    assert sum(work.decoded) <= 5 * 50 * seconds + 2


@pytest.mark.parametrize("chunk", [70 * SECOND, 69 * SECOND])
def test_a_recording_that_is_there_as_a_whole_is_heard_once(listener, work, chunk):
    hear(listener, 70, chunk)
    assert len(work.encoded) == len(work.decoded) == 3
    assert sum(work.decoded) == 70 * 50


def test_hearing_it_while_it_grows_gives_what_hearing_the_whole_gives(listener):
    rng = np.random.default_rng(0)
    pcm = rng.standard_normal(33 * SECOND).astype(np.float32) * 0.1
    pcm[28 * SECOND : 29 * SECOND] *= 1e-3  # the first window ends here
    recognizer = WhisperRecognizer(listener)
    state = recognizer.start()
    for piece in np.split(pcm, [SECOND, 12 * SECOND, 29 * SECOND, 32 * SECOND]):
        state = recognizer.feed(piece, state)
    whole = recognizer.feed(pcm, recognizer.start())
    grown, at_once = (recognizer.transcription(each) for each in (state, whole))
    assert grown.text == at_once.text
    torch.testing.assert_close(grown.words, at_once.words, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(grown.path, at_once.path)
