"""An encoder learns what a drawn mouth says, and reads it off speakers it has not seen."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from antiphon.errors import UserError
from antiphon.recognition.lips.lip_pictures import FPS
from antiphon.recognition.mome import lip_encoder
from antiphon.recognition.mome.lip_encoder import LipConfig
from antiphon.training.corpora.lips.renderer import HELD_OUT, Camera, Speaker, film
from antiphon.training.corpora.lips.visemes import VISEMES, Sound, labels
from antiphon.training.jobs.mome import lips
from antiphon.training.jobs.mome.lips import Recipe, TalkingHeads

SIZE = LipConfig(width=24, channels=4, blocks=1, visemes=len(VISEMES))


def row(number):
    """A mouth that says four long sounds of two kinds."""
    rng = np.random.default_rng(number)
    names = ["aa" if long else "m" for long in rng.integers(2, size=4)]
    sounds = [Sound(name, 0.2 * i, 0.2 * (i + 1)) for i, name in enumerate(names)]
    pictures = film(sounds, 0.8, Speaker.draw(number), Camera(noise=0.02), number)
    times = (np.arange(len(pictures)) + 0.5) / FPS
    return {
        "pictures": torch.from_numpy((pictures * 255).astype(np.uint8)),
        "visemes": torch.from_numpy(labels(sounds, times).astype(np.int16)),
    }


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setattr(lips, "RATE", 5e-3)
    for kind, first, count in (("heads", 0, 24), ("heads-unseen", HELD_OUT, 4)):
        (tmp_path / kind).mkdir()
        for number in range(count):
            torch.save(row(first + number), tmp_path / kind / f"{number:06d}.pt")
    return Recipe(tmp_path, tmp_path, tmp_path / "out", SIZE, seed=1)


def test_speakers_who_were_not_seen_are_read(recipe):
    assert recipe.train(40)
    last = json.loads((recipe.work / "lips" / "log.jsonl").read_text().splitlines()[-1])
    assert last["held_out.right"] > 0.75
    assert lip_encoder.load(recipe.out).config == SIZE


def test_without_heads_it_says_what_draws_them(recipe, tmp_path):
    shutil.rmtree(tmp_path / "heads-unseen")
    with pytest.raises(UserError, match="antiphon train lips draws them"):
        recipe.train(1)


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_heads_are_drawn_once_and_some_are_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "antiphon.training.corpora.voice.texts.turns",
        lambda data: ["Mama may come home soon.", "We go home in May.", "Room 7b."],
    )
    recipe = Recipe(tmp_path, tmp_path / "work", tmp_path / "out", SIZE)
    assert not recipe.corpus(2, minutes=0)
    assert recipe.corpus(2, minutes=1)
    seen, unseen = lips.read(recipe.work / "heads"), lips.read(recipe.work / "heads-unseen")
    assert (len(seen), len(unseen)) == (2, 1)
    for clip in (*seen, *unseen):
        assert len(clip.pictures) == len(clip.visemes) and clip.pictures.dtype == torch.uint8
    monkeypatch.setattr(lips, "talking_head", None)
    assert recipe.corpus(2, minutes=0)
    monkeypatch.setattr("antiphon.training.corpora.voice.texts.turns", lambda data: ["7b"])
    with pytest.raises(UserError, match="no sentences to say"):
        TalkingHeads(tmp_path)
