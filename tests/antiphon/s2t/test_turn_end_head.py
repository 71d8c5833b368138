import pytest
import torch

from antiphon.s2t.cascade import CascadeEar
from antiphon.s2t.turn_end_head import LAST, TurnEndHead, pooled_states


def test_the_last_states_are_averaged():
    frames = torch.arange(100.0)[:, None].repeat(1, 2)
    means = [99 - (count - 1) / 2 for count in LAST for _ in range(2)]
    assert pooled_states(frames).tolist() == pytest.approx(means)
    assert pooled_states(frames[:1]).tolist() == [0.0] * 6


def test_the_committed_head_fits_whisper_tiny():
    head = TurnEndHead.load()
    assert head.weight.shape == (len(LAST) * 384,)
    assert abs(head(torch.zeros(50, 384)) - head.bias) < 1e-6


def test_an_ear_with_a_head_tells_how_complete_a_turn_is(listener, speech):
    width = listener.encoder.config.d_model
    ear = CascadeEar(listener, TurnEndHead(torch.zeros(len(LAST) * width), 1.5))
    assert ear.finish(ear.feed(speech, ear.start())).complete == 1.5
    assert ear.finish(ear.start()).complete is None
    silent = CascadeEar(listener)
    assert silent.finish(silent.feed(speech, silent.start())).complete is None
