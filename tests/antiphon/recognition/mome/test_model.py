"""One model at several rates: nothing at first, then what its adapters add; reproducible."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import toy_mome
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.recognition.mome.adapters import AdapterConfig, active_parameters
from antiphon.recognition.mome.experts import MixtureConfig, Pass
from antiphon.recognition.mome.model import MomeConfig, MomeModel, pooled

VARIANTS = {
    "attention": AdapterConfig(place="attention", mixture=toy_mome.ADAPTER.mixture),
    "ffn": AdapterConfig(place="ffn", mixture=toy_mome.ADAPTER.mixture),
    "layer": AdapterConfig(place="layer", mixture=toy_mome.ADAPTER.mixture),
    "routers": AdapterConfig(mixture=replace(toy_mome.ADAPTER.mixture, routers="rate")),
    "low rank": AdapterConfig("low rank", mixture=toy_mome.ADAPTER.mixture),
    "by rate": AdapterConfig("low rank", mixture=toy_mome.ADAPTER.mixture, scope="rate"),
    "both": AdapterConfig("low rank", mixture=toy_mome.ADAPTER.mixture, scope="both"),
}


@settings(deadline=None)
@given(length=st.integers(1, 90), rate=st.integers(1, 20))
def test_a_rate_is_a_mean_of_so_many_states(length, rate):
    frames = torch.randn(length, 3)
    found = pooled(frames, rate)
    expected = torch.stack([part.mean(0) for part in frames.split(rate)])
    torch.testing.assert_close(found, expected)
    assert len(pooled(frames[:0], rate)) == 0


@torch.no_grad()
def test_a_fresh_adapter_changes_nothing_and_a_learnt_one_does():
    llm, ids = toy_mome.language_model(), torch.tensor([[5, 9, 200]])
    before = llm(ids).logits
    for name, adapter in VARIANTS.items():
        model = toy_mome.model(adapter=adapter)
        with Pass(1):
            torch.testing.assert_close(model.llm(ids).logits, before)
            assert not torch.allclose(toy_mome.awake(model).llm(ids).logits, before), name


def test_only_what_was_added_learns():
    for adapter in VARIANTS.values():
        model = toy_mome.awake(toy_mome.model(adapter=adapter))
        clips = [toy_mome.clip(i) for i in range(3)]
        texts = [model.encode(clip.text) for clip in clips]
        for rate in model.config.rates:
            model.losses([clip.frames for clip in clips], texts, rate)["loss"].backward()
        learnt = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        assert learnt and not any(name.startswith("llm.") for name in learnt)
        assert {name.split(".")[0] for name in learnt} == {"adapters", "context", "projectors"}


def test_rates_with_their_own_corrections_learn_apart():
    model = toy_mome.awake(toy_mome.model(adapter=VARIANTS["by rate"]))
    clip = toy_mome.clip(1)
    model.losses([clip.frames], [model.encode(clip.text)], 2)["loss"].backward()
    for adapter in model.adapters.values():
        assert [bool(grad.any()) for grad in adapter.up.grad] == [False, True, False]


def test_all_kinds_have_no_more_active_parameters_than_the_mixture():
    most = toy_mome.model(adapter=VARIANTS["attention"]).active_parameters()
    for name in ("low rank", "by rate", "both"):
        found = active_parameters(toy_mome.model(adapter=VARIANTS[name]).adapters)
        assert 0.7 * most < found <= most
    small = MixtureConfig(5, 1, 2, 1)
    assert toy_mome.model(adapter=AdapterConfig(mixture=small)).active_parameters() < most


@torch.no_grad()
def test_sounds_beside_each_other_are_written_as_alone(monkeypatch):
    exact = torch.autocast("cpu", enabled=False)
    monkeypatch.setattr(MomeModel, "precision", lambda self: exact)
    model = toy_mome.awake(toy_mome.model()).eval()
    frames = [toy_mome.clip(i).frames for i in range(5)]
    for rate in model.config.rates:
        together = model.write(frames, rate)
        for sound, written in zip(frames, together, strict=True):
            (alone,) = model.write([sound], rate)
            assert alone.tokens == written.tokens
            assert alone.log_probs == pytest.approx(written.log_probs, abs=1e-4)


@torch.no_grad()
def test_losses_are_those_of_the_clips_alone():
    model = toy_mome.awake(toy_mome.model()).eval()
    clips = [toy_mome.clip(i) for i in range(4)]
    texts = [model.encode(clip.text) for clip in clips]
    both = float(model.losses([clip.frames for clip in clips], texts, 4)["text"])
    each = [
        (float(model.losses([c.frames], [t], 4)["text"]), len(t) + 1)
        for c, t in zip(clips, texts, strict=True)
    ]
    total = sum(loss * count for loss, count in each) / sum(count for _, count in each)
    assert both == pytest.approx(total, abs=1e-4)


def test_rates_that_make_no_sense_are_refused():
    model = toy_mome.model()
    with pytest.raises(UserError, match=r"at rate 3: choose 1, 2, 4\."):
        model.write([toy_mome.clip(0).frames], 3)
    for wrong in ((), (2, 1), (1, 1), (0, 2), (4, 21)):
        with pytest.raises(UserError, match="rates"):
            MomeConfig("toy", "toy-whisper", wrong)
