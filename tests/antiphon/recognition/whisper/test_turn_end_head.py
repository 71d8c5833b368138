import pytest
import torch

from antiphon.recognition.whisper.recognizer import WhisperRecognizer
from antiphon.recognition.whisper.turn_end_head import WINDOWS, TurnEndHead, pooled_states
from antiphon.s2t.cascade import CascadeEncoder


def test_the_last_states_are_averaged():
    frames = torch.arange(100.0)[:, None].repeat(1, 2)
    means = [99 - (count - 1) / 2 for count in WINDOWS for _ in range(2)]
    assert pooled_states(frames).tolist() == pytest.approx(means)
    assert pooled_states(frames[:1]).tolist() == [0.0] * 6


def test_the_committed_head_fits_whisper_tiny():
    head = TurnEndHead.load()
    assert head.weight.shape == (len(WINDOWS) * 384,)
    assert abs(head(torch.zeros(50, 384)) - head.bias) < 1e-6


def test_the_head_is_found_by_the_recognizer_it_was_trained_for():
    assert TurnEndHead.for_recognizer("whisper-tiny.en") is not None
    assert TurnEndHead.for_recognizer("whisper-base") is None


def test_a_recognizer_with_a_head_tells_how_complete_a_turn_is(listener, speech):
    head = TurnEndHead(torch.zeros(len(WINDOWS) * listener.encoder.config.d_model), 1.5)
    encoder = CascadeEncoder(WhisperRecognizer(listener, head))
    assert encoder.finish(encoder.feed(speech, encoder.start())).complete == 1.5
    assert encoder.finish(encoder.start()).complete is None
    silent = CascadeEncoder(WhisperRecognizer(listener))
    assert silent.finish(silent.feed(speech, silent.start())).complete is None
