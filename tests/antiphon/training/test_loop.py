"""A run that was cut and continued ends where one that was never cut ends."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from antiphon.errors import UserError
from antiphon.training.loop import Schedule, fit, load

SCHEDULE = Schedule(steps=30, lr=0.05, warmup=5)


def task(model):
    def losses(step):
        draw = torch.Generator().manual_seed(step)
        x = torch.randn(16, 3, generator=draw)
        noise = torch.rand(16, 1)
        return {"loss": (model(x) - x.sum(1, keepdim=True) - 0.01 * noise).square().mean()}

    return losses


def model():
    torch.manual_seed(1)
    return nn.Linear(3, 1)


def test_learns_logs_and_draws(tmp_path):
    learner = model()
    assert fit(learner, task(learner), SCHEDULE, tmp_path)
    rows = [json.loads(row) for row in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 31))
    assert rows[-1]["loss"] < 0.2 * rows[0]["loss"]
    assert (tmp_path / "loss.png").read_bytes()[:4] == b"\x89PNG"


def test_resuming_changes_nothing(tmp_path):
    whole = model()
    fit(whole, task(whole), SCHEDULE, tmp_path / "whole", seed=5)

    class CutError(Exception):
        pass

    first = model()

    inner = task(first)

    def until_cut(step):
        if step == 17:
            raise CutError
        return inner(step)

    with pytest.raises(CutError):
        fit(first, until_cut, SCHEDULE, tmp_path / "cut", seed=5, save_every=10)
    second = model()
    fit(second, task(second), SCHEDULE, tmp_path / "cut", seed=5, save_every=10)
    assert torch.equal(whole.weight, second.weight)
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("whole", "cut")]
    assert logs[0] == logs[1]


def test_time_box_saves_and_says_so(tmp_path):
    learner = model()
    assert not fit(learner, task(learner), SCHEDULE, tmp_path, minutes=0)
    assert load(tmp_path, learner) == 0


def test_frozen_parameters_stay(tmp_path):
    frozen = nn.Linear(3, 3).requires_grad_(False)
    learner = nn.Sequential(frozen, nn.Linear(3, 1))
    before = frozen.weight.clone()
    fit(learner, task(learner), SCHEDULE, tmp_path)
    assert torch.equal(before, frozen.weight)
    assert "0.weight" not in torch.load(tmp_path / "checkpoint.pt", weights_only=True)["model"]


def test_a_part_may_learn_at_a_share_of_the_rate(tmp_path):
    slow = model()
    bias = Schedule(steps=1, lr=0.05, warmup=0, weight_decay=0, shares={"bias": 0.1})
    before = slow.weight.detach().clone(), slow.bias.detach().clone()
    assert fit(slow, task(slow), bias, tmp_path)
    moved = [
        (new - old).abs().max().item() for new, old in zip(slow.parameters(), before, strict=True)
    ]
    assert moved[0] == pytest.approx(0.05, rel=1e-3) and moved[1] == pytest.approx(0.005, rel=1e-3)


def test_loading_what_was_never_trained_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="train"):
        load(tmp_path / "codec", model())
