"""A model that sees: lips stand beside the sound, or alone; without them it hears as before."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import toy_mome

from antiphon.errors import UserError
from antiphon.recognition.mome.model import MomeModel

SEES = replace(toy_mome.CONFIG, lips="lips", lip_rates=(1, 2), lip_width=6)
CLIPS = [toy_mome.clip(i) for i in range(4)]
LIPS = [torch.randn(len(clip.frames) // 2, 6) for clip in CLIPS]


@pytest.fixture
def model(monkeypatch) -> MomeModel:
    exact = torch.autocast("cpu", enabled=False)
    monkeypatch.setattr(MomeModel, "precision", lambda self: exact)
    return toy_mome.awake(toy_mome.model(SEES)).eval()


@torch.no_grad()
def test_lips_stand_behind_the_sound(model):
    sound, lips = CLIPS[0].frames, LIPS[0]
    (heard,), (both,) = model.prompted([sound], 4), model.prompted([sound], 4, [lips], 2)
    assert len(both) == len(heard) + -(-len(lips) // 2)
    end = len(heard) - len(model.prompt)
    torch.testing.assert_close(both[:end], heard[:end])
    torch.testing.assert_close(both[-len(model.prompt) :], heard[end:])


@torch.no_grad()
def test_a_clip_whose_lips_are_not_seen_is_heard_as_before(model):
    frames = [clip.frames for clip in CLIPS]
    before = model.write(frames, 2)
    mixed = model.write(frames, 2, [LIPS[0], None, None, LIPS[3]], 1)
    assert [each.tokens for each in mixed[1:3]] == [each.tokens for each in before[1:3]]
    assert mixed[0].log_probs != before[0].log_probs


@torch.no_grad()
def test_lips_alone_are_read_for_as_long_as_they_are_seen(model):
    frames = [clip.frames[:0] for clip in CLIPS]
    together = model.write(frames, 2, LIPS, 2)
    for lips, written in zip(LIPS, together, strict=True):
        (alone,) = model.write([lips.new_zeros(0, toy_mome.WIDTH)], 2, [lips], 2)
        assert alone.tokens == written.tokens and alone.tokens


def test_the_projector_of_a_lip_rate_learns(model):
    texts = [model.encode(clip.text) for clip in CLIPS]
    model.losses([clip.frames for clip in CLIPS], texts, 2, LIPS, 2)["loss"].backward()
    learnt = {n for n, p in model.lip_projectors.named_parameters() if p.grad is not None}
    assert {name.split(".")[0] for name in learnt} == {"2"}


def test_what_it_cannot_see_is_said(model):
    with pytest.raises(UserError, match=r"at lip rate 3: choose 1, 2\."):
        model.write([CLIPS[0].frames], 2, [LIPS[0]], 3)
    with pytest.raises(UserError, match="it sees no lips"):
        toy_mome.model().write([CLIPS[0].frames], 2, [LIPS[0]], 1)
    for wrong in ({"lips": None}, {"lip_rates": ()}, {"lip_rates": (2, 1)}, {"lip_rates": (6,)}):
        with pytest.raises(UserError):
            replace(SEES, **wrong)
