"""A model that hears learns to see: what only lips tell is read, and runs go on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import toy_mome

from antiphon.errors import UserError
from antiphon.recognition.mome import checkpoint, lip_encoder
from antiphon.recognition.mome.lip_encoder import LipConfig, LipEncoder
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.jobs.mome import job, seeing
from antiphon.training.jobs.mome.batches import Row

CLIPS = [toy_mome.clip(i) for i in range(48)]
WIDTH = 10
"""Of a lip encoder's state."""


def seen(number):
    """A clip whose sound is noise and whose lips spell its letters."""
    clip = CLIPS[number]
    letters = [toy_mome.LETTERS.index(letter) for letter in clip.text]
    lips = torch.stack([torch.eye(WIDTH)[i] for i in letters]).repeat_interleave(4, 0)
    frames = torch.randn(clip.frames.shape).half()
    places = (torch.arange(len(frames)) // 8).short()
    return {"frames": frames, "lips": lips.half(), "text": clip.text, "places": places}


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setattr("antiphon.weights.path", lambda name: tmp_path)
    monkeypatch.setattr(checkpoint, "read_model", lambda folder: toy_mome.language_model())
    monkeypatch.setattr(checkpoint, "load_tokenizer", lambda folder: toy_mome.Bytes())
    monkeypatch.setattr(job, "WARM_RATE", 1e-2)
    monkeypatch.setattr(job, "RATE", 2e-2)
    checkpoint.save(toy_mome.model(), tmp_path / "start")
    work = tmp_path / "work"
    for folder in ("corpus", "mome/spoken", "mome/seen"):
        (work / folder).mkdir(parents=True)
    none = torch.empty(0)
    heard = [(Transcription(clip.frames, none, none, ""), clip.text) for clip in CLIPS]
    heard_speech.save(work / "corpus" / "00000.pt", heard)
    places = [(torch.arange(len(clip.frames)) // 8).short() for clip in CLIPS]
    torch.save(places, work / "mome" / "spoken" / "00000.pt")
    torch.save([seen(i) for i in range(len(CLIPS))], work / "mome" / "seen" / "000000.pt")
    plan = job.Schedule(warm_steps=40, steps=60, batch=8)
    lip_encoder.save(LipEncoder(LipConfig(WIDTH, 2, 1)), tmp_path / "lips")
    return seeing.Recipe(
        tmp_path, work, work / "corpus", tmp_path / "start", str(tmp_path / "lips"),
        tmp_path / "out", plan,
        seed=1, lip_rates=(1, 2),
    )  # fmt: skip


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_what_only_lips_tell_is_read(recipe):
    assert recipe.train()
    found = checkpoint.load(recipe.out)
    assert found.config.lip_rates == (1, 2) and found.config.lip_width == WIDTH
    warm, log = (rows(recipe.work / "mome" / name) for name in ("out-projectors", "out"))
    assert warm[-1]["right"] > 0.9
    losses = [row["loss"] for row in log]
    assert sum(losses[-10:]) < 0.85 * sum(losses[:10])
    assert {key.split("_")[0] for row in log for key in row if key[-2] == "_"} == {"heard", "seen"}


def test_a_run_that_was_cut_gives_the_same_weights(recipe, tmp_path):
    short = replace(recipe, schedule=replace(recipe.schedule, warm_steps=3, steps=4))
    assert short.train()
    cut = replace(short, out=tmp_path / "again")
    assert not cut.train(minutes=0)
    assert cut.train()
    whole = checkpoint.load(short.out).added()
    for name, value in checkpoint.load(cut.out).added().items():
        torch.testing.assert_close(value, whole[name])


def test_heads_are_heard_seen_or_both():
    row = Row(torch.ones(8, 2), [1], torch.zeros(8), torch.ones(4, 3))
    rng = np.random.default_rng(0)
    kinds = [seeing.some(row, rng) for _ in range(400)]
    unheard = sum(not len(each.frames) for each in kinds)
    unseen = sum(each.lips is None for each in kinds)
    assert 50 < unheard < 110 and 50 < unseen < 110
    assert all(len(each.frames) or each.lips is not None for each in kinds)


def test_without_heads_it_says_what_draws_them(recipe):
    with pytest.raises(UserError, match="antiphon train lips"):
        recipe.prepare(1)
