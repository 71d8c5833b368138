"""The recipe of stage III."""

from __future__ import annotations

import pytest

from antiphon.errors import UserError
from antiphon.training.echo_recipe import EchoRecipe
from antiphon.training.voice_recipe import VoiceRecipe


def test_it_asks_for_the_adapter_it_belongs_to(tmp_path):
    voice = VoiceRecipe(tmp_path, tmp_path / "work", tmp_path / "new" / "voice")
    with pytest.raises(UserError, match="new/s2t has no lora.*train s2t"):
        EchoRecipe(voice).states(1)
