"""The recipe of a voice."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from antiphon.training.voice_recipe import CODEC, GENERATOR, UNIT_LANGUAGE, VoiceRecipe
from antiphon_codecs.unit_language.unit_language import UnitLanguage


def test_a_voice_begins_with_what_the_one_it_is_like_knows(model, tmp_path):
    like, out = tmp_path / "like", tmp_path / "out"
    for folder in (like, out):
        folder.mkdir()
    model.save(like / GENERATOR)
    model.language.save(like / UNIT_LANGUAGE)
    units = torch.randint(8, (400,), generator=torch.Generator().manual_seed(5)).numpy()
    UnitLanguage.train([units], 8, vocabulary=14, max_length=2).save(out / UNIT_LANGUAGE)
    recipe = VoiceRecipe(tmp_path, tmp_path / "work", out, llm="own", like=like)
    recipe.speller = SimpleNamespace(embeddings=model.embeddings)  # type: ignore[assignment]
    fresh = recipe.new_model()
    assert len(fresh.language) == 14 != len(model.language)
    assert fresh.inventory.sounds == model.inventory.sounds
    for part in ("pronouncer", "voice", "denoiser"):
        for name, known in getattr(model, part).state_dict().items():
            own = getattr(fresh, part).state_dict()[name]
            torch.testing.assert_close(own, known, atol=2e-3, rtol=2e-3, msg=f"{part}.{name}")


def test_examples_made_with_another_codec_are_not_taken_for_its_own(tmp_path):
    recipe = VoiceRecipe(tmp_path, tmp_path / "work", tmp_path, llm="own")
    (tmp_path / CODEC).write_bytes(b"one")
    (tmp_path / UNIT_LANGUAGE).write_bytes(b"words")
    first = recipe.examples_file()
    assert recipe.examples_file() == first
    for file in (CODEC, UNIT_LANGUAGE):
        (tmp_path / file).write_bytes(b"another")
        assert recipe.examples_file() != first
        first = recipe.examples_file()
