"""A voice of any Piper file: every job once, in order, and again only where it was cut."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from antiphon import weights
from antiphon.errors import UserError
from antiphon.t2c.voice import VoiceConfig
from antiphon.training.whole_voice import SIZES, WholeVoice


class Recipe:
    """Jobs that only tell what was asked of them; those of `slow` run out of time."""

    def __init__(self, folder: Path, language: str = "en-us", like: Path | None = None) -> None:
        self.work, self.out, self.like = folder / "work", folder / "voice-jane", like
        self.voice_file = folder / "en_US-jane-medium.onnx"
        self.voice_file.write_bytes(b"abc")
        self.teacher = SimpleNamespace(language=language)
        self.llm, self.shift, self.seed = "small", 1.0, 1
        self.slow: set[str] = set()
        self.asked: list[Any] = []
        for path in (self.work, self.out):
            path.mkdir(exist_ok=True)

    def _job(self, name, *asked):
        self.asked.append((name, *asked))
        return name not in self.slow

    def make_latents(self, count, minutes):
        return self._job("latents", count, minutes)

    def train_codec(self, steps, minutes):
        return self._job("codec", steps, minutes)

    def train_language(self, words):
        self._job("language", words)
        return 2.0

    def train_pronouncer(self, steps, minutes):
        return self._job("pronouncer", steps, minutes)

    def train_t2c(self, steps, minutes):
        return self._job("t2c", steps, minutes)

    def make_lexicon(self):
        self._job("lexicon")
        return 3

    @property
    def names(self):
        return [name for name, *_ in self.asked]


def made(recipe: Any, effort: float = 1.0) -> WholeVoice:
    return WholeVoice(recipe, effort)


@pytest.fixture
def recipe(tmp_path):
    return Recipe(tmp_path)


@pytest.fixture
def finished(tmp_path):
    """A finished voice that lends its lexicon."""
    folder = tmp_path / "voice-joe"
    folder.mkdir()
    facts = {"kind": "voice", "language": "en-US", "language_models": {"small": "t2c.safetensors"}}
    (folder / "config.json").write_text(json.dumps(facts))
    (folder / "lexicon.marisa").write_bytes(b"words")
    return folder


def test_all_jobs_are_done_in_order_and_leave_a_voice(recipe):
    assert made(recipe).make(5.0)
    assert recipe.names == ["latents", "codec", "language", "pronouncer", "t2c", "lexicon"]
    assert recipe.asked[1] == ("codec", SIZES["codec"], 5.0)
    config = weights.read_config(recipe.out, VoiceConfig)
    assert (config.language, config.language_models) == ("en-US", {"small": "t2c.safetensors"})
    assert json.loads((recipe.out / "config.json").read_text())["kind"] == "voice"


def test_what_was_cut_goes_on_where_it_was(recipe):
    recipe.slow = {"codec"}
    whole = made(recipe)
    assert not whole.make(1.0)
    assert recipe.names == ["latents", "codec"]
    assert not (recipe.out / "config.json").exists()
    recipe.slow, recipe.asked = set(), []
    assert whole.missing == ["codec", "language", "pronouncer", "t2c", "lexicon"]
    assert whole.make()
    assert recipe.names == ["codec", "language", "pronouncer", "t2c", "lexicon"]
    recipe.asked = []
    assert whole.make() and not recipe.asked


def test_less_effort_takes_less(recipe):
    whole, less = made(recipe), made(recipe, 0.1)
    assert less.minutes() < whole.minutes() / 2
    assert less.size("t2c") == SIZES["t2c"] / 10
    assert less.size("language") == SIZES["language"]
    assert made(recipe, 0.001).size("latents") > 300  # as many are held out


def test_a_finished_voice_lends_its_pronouncer_and_its_lexicon(tmp_path, finished):
    recipe = Recipe(tmp_path, like=finished)
    whole = made(recipe)
    assert whole.minutes() < made(Recipe(tmp_path)).minutes()
    assert whole.make()
    assert recipe.names == ["latents", "codec", "language", "t2c"]
    assert (recipe.out / "lexicon.marisa").read_bytes() == b"words"


def test_the_card_says_how_it_was_made(recipe):
    log = recipe.work / "codec" / "log.jsonl"
    log.parent.mkdir()
    rows = [{"step": 1, "held_out.mse": 0.5}, {"step": 2, "held_out.mse": 0.25}, {"step": 3}]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert made(recipe, 0.5).make()
    card = (recipe.out / "card.md").read_text()
    assert "en_US-jane-medium.onnx" in card and "ba7816bf8f01cfea" in card  # SHA-256 of "abc"
    assert "| codec | 700 | mse 0.250 |" in card


def test_a_voice_of_another_language_is_refused(tmp_path, finished):
    with pytest.raises(UserError, match="speaks de, and the texts"):
        made(Recipe(tmp_path, "de"))
    with pytest.raises(UserError, match="speaks en-US and .* en-gb.*Leave --like away"):
        made(Recipe(tmp_path, "en-gb", finished))


def test_a_voice_is_not_mixed_with_another_one(recipe):
    recipe.slow = {"codec"}
    assert not made(recipe, 0.5).make(1.0)
    recipe.asked = []
    with pytest.raises(UserError, match="begun with another effort: give the same, or another"):
        made(recipe, 1.0).make()
    assert not recipe.asked
