"""Word errors, costs and experts of one model by rate, beside what it is compared with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import toy_mome

from antiphon import audio_file
from antiphon.evaluation.material import Clip
from antiphon.evaluation.measures.listening import mome
from antiphon.evaluation.measures.listening.mome import (
    Heard,
    against,
    correlation,
    evaluate,
    evenness,
)
from antiphon.evaluation.scores import Errors
from antiphon.recognition.mome.adapters import AdapterConfig
from antiphon.recognition.mome.recognizer import MomeRecognizer


@pytest.fixture
def heard():
    clips = [toy_mome.clip(i) for i in range(5)]
    return Heard([clip.frames for clip in clips], [clip.text for clip in clips], 0)


def low_rank(rates=(2, 4)):
    adapter = AdapterConfig("low rank", mixture=toy_mome.ADAPTER.mixture)
    return toy_mome.awake(toy_mome.model(rates=rates, adapter=adapter)).eval()


def test_a_model_is_measured_at_each_rate_and_against_others_where_both_know_it(heard):
    model = toy_mome.awake(toy_mome.model()).eval()
    found = evaluate(heard, {"mome": model, "lora": low_rank()})
    assert found["clips"] == 5
    for rate in (1, 2, 4):
        low, high = found["mome"]["wer_interval"][rate]
        assert low <= found["mome"]["wer"][rate] <= high
        assert found["mome"]["tokens"][rate] == pytest.approx(50 / rate, rel=0.1)
        assert found["mome"]["prefill_ms"][rate] >= 0
    assert found["mome"]["active_params"] == model.active_parameters()
    assert found["difference"]["lora"].keys() == {"2", "4", "average"}
    assert found["router"]["agreement"].keys() == {"1, 2", "1, 4", "2, 4"}
    assert all(0.2 <= even <= 1 for even in found["router"]["even"].values())
    assert "router" not in evaluate(heard, {"lora": low_rank()}, [2])


def test_the_average_is_over_the_rates_of_both():
    one = {2: [Errors(1, 10)], 4: [Errors(3, 10)], 8: [Errors(9, 10)]}
    other = {2: [Errors(2, 10)], 4: [Errors(4, 10)]}
    found = against(one, other)
    assert found["average"]["points"] == pytest.approx(-10)
    assert found["2"]["interval"] == [-10, -10]


def test_one_router_that_hears_the_same_uses_the_same_experts():
    use = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.double)
    assert correlation(use, use) == pytest.approx(1)
    assert correlation(use, use.flip(-1)) < 0
    assert evenness(torch.full((2, 4), 0.25).double()) == pytest.approx(1)
    assert evenness(torch.eye(4)[:1].double()) == pytest.approx(0.25)


def test_recordings_are_encoded_once_and_long_ones_are_counted(listener, speech, tmp_path):
    config = replace(toy_mome.CONFIG, audio_width=listener.encoder.config.d_model)
    recognizer = MomeRecognizer(toy_mome.model(config).eval(), listener.encoder, "toy")
    clips = []
    for name, pcm in (("long", np.resize(speech, 13 * 16_000)), ("short", speech)):
        audio_file.write(tmp_path / f"{name}.wav", pcm, 16_000)
        clips.append(Clip("one", tmp_path / f"{name}.wav", name))
    found = mome.hear(clips, recognizer, lambda pcm: pcm[: len(pcm) // 2 if len(pcm) else 0])
    assert found.left_out == 1 and found.texts == ["short"]
    assert len(found.frames[0]) == pytest.approx(len(speech) / 2 / 320, abs=2)
