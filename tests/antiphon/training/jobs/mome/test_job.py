"""Projectors, then all that learns: a toy language is heard at every rate, and runs go on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import toy_mome

from antiphon.errors import UserError
from antiphon.recognition.mome import checkpoint
from antiphon.recognition.mome.model import MomeModel
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.corpora.hearing.spoken_characters import SILENT, token_at
from antiphon.training.jobs.mome import job
from antiphon.training.jobs.mome.batches import Batches
from antiphon.training.jobs.mome.job import Recipe, Schedule
from antiphon.training.jobs.mome.variants import VARIANTS, adapter
from antiphon.training.jobs.mome.warm_start import warm_losses

CLIPS = [toy_mome.clip(i) for i in range(96)]
SPOKEN = [torch.arange(len(clip.frames)) // 8 for clip in CLIPS]
"""Which letter is spoken."""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A run on a toy corpus."""
    monkeypatch.setattr("antiphon.weights.path", lambda name: tmp_path)
    monkeypatch.setattr(checkpoint, "read_model", lambda folder: toy_mome.language_model())
    monkeypatch.setattr(checkpoint, "load_tokenizer", lambda folder: toy_mome.Bytes())
    monkeypatch.setattr(job, "WARM_RATE", 1e-2)  # a toy learns fast
    monkeypatch.setattr(job, "RATE", 1e-2)
    work = tmp_path / "work"
    for folder in ("corpus", "spoken"):
        (work / folder).mkdir(parents=True)
    none = torch.empty(0)
    heard = [(Transcription(clip.frames, none, none, ""), clip.text) for clip in CLIPS]
    heard_speech.save(work / "corpus" / "00000.pt", heard)
    torch.save([each.short() for each in SPOKEN], work / "spoken" / "00000.pt")
    dev = [{"frames": clip.frames, "text": clip.text} for clip in CLIPS[:2]]
    torch.save(dev, work / "dev.pt")
    plan = Schedule(warm_steps=60, steps=60, batch=12)
    folders = (tmp_path, work, work / "corpus", tmp_path / "out")
    return Recipe(*folders, "run", toy_mome.CONFIG, plan, seed=1)


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_toy_language_is_heard_at_every_rate(recipe):
    assert recipe.train()
    warm, log = rows(recipe.work / "projectors-toy-1-2-4-seed1"), rows(recipe.work / "run")
    for found in (warm, log):
        losses = [row["loss"] for row in found]
        assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert {key for row in log for key in row if key.startswith("rate_")} == {
        "rate_1", "rate_2", "rate_4",
    }  # fmt: skip
    assert {key for key in log[-1] if "wer" in key} == {f"held_out.wer_{r}" for r in (1, 2, 4)}
    model = checkpoint.load(recipe.out)
    assert json.loads((recipe.out / "config.json").read_text())["steps"] == 60
    assert model.config == toy_mome.CONFIG


def test_a_run_that_was_cut_goes_on_where_it_was(recipe, tmp_path, monkeypatch):
    short = replace(recipe, schedule=replace(recipe.schedule, warm_steps=4, steps=6))
    assert short.train()
    whole = checkpoint.load(short.out).added()

    cut = replace(short, work=tmp_path / "again", out=tmp_path / "cut")
    cut.work.mkdir()
    for name in ("corpus", "spoken", "dev.pt"):
        (cut.work / name).symlink_to(recipe.work / name)
    assert not cut.train(minutes=0)
    assert json.loads((cut.out / "config.json").read_text())["steps"] == 0
    assert cut.train()
    log = (cut.work / "projectors-toy-1-2-4-seed1" / "log.jsonl").read_text()
    assert len(log.splitlines()) == 4
    monkeypatch.setattr(job, "warm_losses", None)  # finished projectors are only read
    assert cut.train()
    for name, value in checkpoint.load(cut.out).added().items():
        torch.testing.assert_close(value, whole[name])


def test_all_rates_at_once_or_one_by_chance(recipe):
    few = replace(recipe.schedule, warm_steps=1, steps=2, all_rates=True)
    assert replace(recipe, schedule=few).train()
    for row in rows(recipe.work / "run"):
        assert {"rate_1", "rate_2", "rate_4"} <= row.keys()
    plan = Schedule(0, 9, coarser=0.0)
    drawn = [plan.rate(step, 0, (1, 4, 16)) for step in range(600)]
    assert all(150 < drawn.count(rate) < 250 for rate in (1, 4, 16))
    plan = Schedule(0, 9, coarser=0.5)
    drawn = [plan.rate(step, 0, (1, 4, 16)) for step in range(600)]
    assert drawn.count(16) > 1.5 * drawn.count(4) > 2 * drawn.count(1)
    assert drawn == [plan.rate(step, 0, (1, 4, 16)) for step in range(600)]


def test_batches_are_drawn_by_step_and_short_clips_come_first():
    model = toy_mome.model()
    batches = Batches(CLIPS, SPOKEN, model)
    for row in batches.rows:
        assert model.decode(row.tokens)
        spelled = [row.tokens[int(at)] for at in row.spoken[::8]]
        assert spelled == row.tokens[-len(spelled) :]
    first = batches.draw(3, 0, 8, 0.0)
    assert [r.tokens for r in first] == [r.tokens for r in batches.draw(3, 0, 8, 0.0)]
    early = [len(r.frames) for step in range(30) for r in batches.draw(step, 0, 4, 0.0)]
    late = [len(r.frames) for step in range(30) for r in batches.draw(step, 0, 4, 1.0)]
    assert max(early) < max(late) == len(batches.rows[-1].frames)
    with pytest.raises(UserError, match="antiphon train mome"):
        Batches([], [], model)


def test_the_warm_start_knows_what_is_spoken_in_a_window():
    model = toy_mome.model()
    rows = Batches(CLIPS, SPOKEN, model).rows[:16]
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.projectors.parameters(), 3e-3)
    for _ in range(60):
        found = warm_losses(model, rows, 4)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
    assert float(found["right"]) > 0.8
    with pytest.raises(UserError, match="choose 1, 2, 4"):
        warm_losses(model, rows, 3)


def test_which_token_is_spoken():
    places = torch.tensor([SILENT, 0, 2, 3, 7, 8])
    assert token_at(places, [3, 8]).tolist() == [SILENT, 0, 0, 1, 1, 1]


def test_variants_are_told_apart_and_have_as_many_active_parameters():
    llm = toy_mome.language_model
    counts = {}
    for name in VARIANTS:
        rates = (4,) if name == "lora" else (1, 2, 4)
        config = replace(
            toy_mome.CONFIG, rates=rates, adapter=adapter(name, len(rates), "attention", 3)
        )
        counts[name] = MomeModel(llm(), toy_mome.Bytes(), config).active_parameters()
    most = max(counts.values())
    assert min(counts.values()) > 0.85 * most
    assert counts["mome"] == counts["no-shared-expert"] == counts["router-per-rate"]
    with pytest.raises(UserError, match="one rate at a time"):
        adapter("lora", 2, "ffn", 12)
    with pytest.raises(UserError, match=r"no variant 'moe': choose mome, .*matryoshka-lora"):
        adapter("moe", 2, "ffn", 12)


def test_without_a_corpus_it_says_what_makes_one(recipe):
    for path in (recipe.work / "corpus").iterdir():
        path.unlink()
    for path in (recipe.work / "spoken").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="antiphon train mome makes it"):
        recipe.train()


def test_error_rates_are_of_words_by_rate():
    model = toy_mome.model().eval()
    found = job.error_rates(model, CLIPS[:5], (1, 4), batch=2)
    assert found.keys() == {"wer_1", "wer_4"} and all(rate > 0 for rate in found.values())
