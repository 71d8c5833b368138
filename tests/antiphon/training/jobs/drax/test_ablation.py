"""Four paths are trained alike, go on where they were cut, and are told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from toy_drax import Letters, prepare

from antiphon.errors import UserError
from antiphon.training.jobs.drax import ablation, job
from antiphon.training.jobs.drax.losses import decoder_losses


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A toy corpus with a trained middle."""
    toy = prepare(tmp_path, monkeypatch)
    monkeypatch.setattr(ablation, "SubVocabulary", lambda file, kept: Letters())
    job.train(toy, tmp_path / "out", middle_steps=60, steps=1, seed=1)
    return toy


def test_a_queue_that_was_cut_goes_on(work, monkeypatch):
    whole = ablation.run(work, steps=3, seeds=1, minutes=9)
    assert [name for name in whole if name in ablation.PATHS] == list(ablation.PATHS)
    for name in ablation.PATHS:
        low, high = whole[name]["interval"]
        assert low <= whole[name]["wer"] <= high
        assert (whole[name]["seeds"], whole[name]["clips"]) == (1, 8)
    monkeypatch.setattr("antiphon.training.loop.fit", None)  # nothing is trained twice
    assert ablation.run(work, steps=3, seeds=1, minutes=9) == whole
    assert ablation.run(work, steps=3, seeds=2, minutes=0)["audio source"]["seeds"] == 1


def test_what_is_learnt_from_is_on_the_device_of_the_model(work):
    batches, _, _ = ablation._material(work)
    letters: Any = Letters()
    model, device = job.fresh(letters).to("meta"), torch.device("meta")
    for path in ablation.PATHS.values():
        with device:
            found = decoder_losses(model, batches.draw(0, 0).to(device), path)
        assert {value.device.type for value in found.values()} == {"meta"}


def test_a_device_that_is_not_there_is_refused(work):
    with pytest.raises(UserError, match="no device 'abacus'"):
        ablation.run(work, steps=1, seeds=1, minutes=1, device="abacus")


def test_rates_are_of_all_runs_and_clips(tmp_path):
    for seed, wrong in enumerate((1, 3)):
        file = ablation._result(tmp_path, seed, "audio source")
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps([[wrong, 10], [wrong, 10]]))
    found = ablation.table(tmp_path, 5, 3)
    assert found["audio source"]["wer"] == 20 and found["audio source"]["seeds"] == 2
    assert found["audio source"]["interval"] == [10, 30]
    assert "uniform source" not in found


def test_the_paths_mix_what_they_say():
    text, guessed = torch.full((1, 4000), 7), torch.full((1, 4000), 3)

    def shares(name, time):
        torch.manual_seed(0)
        ids = ablation.PATHS[name].mix(text, guessed, torch.tensor([time]), 1000)
        return float((ids == 7).float().mean()), float((ids == 3).float().mean())

    assert shares("uniform source", 0.5) == pytest.approx((0.5, 0.0), abs=0.03)
    assert shares("audio source", 0.5) == pytest.approx((0.5, 0.5), abs=0.03)
    assert shares("uniform source, audio middle", 0.5) == pytest.approx((0.25, 0.473), abs=0.03)
    assert shares("uniform source, uniform middle", 0.5) == pytest.approx((0.25, 0.0), abs=0.03)


def test_without_a_middle_there_is_nothing_to_compare(tmp_path):
    with pytest.raises(UserError, match="train drax"):
        ablation.run(tmp_path, steps=1, seeds=1, minutes=1)
