"""The recipe of the voice."""

from __future__ import annotations

import pytest

from antiphon.errors import UserError
from antiphon.training.voice_recipe import VoiceRecipe


def test_stage_three_asks_for_the_ears_it_belongs_to(tmp_path):
    shop = VoiceRecipe(tmp_path, tmp_path / "work", tmp_path / "new" / "voice")
    with pytest.raises(UserError, match="new/s2t has no lora.*train s2t"):
        shop.states(1)
