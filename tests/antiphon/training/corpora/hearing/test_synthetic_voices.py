"""Synthetic voices."""

import pytest

from antiphon.errors import UserError
from antiphon.training.corpora.hearing import synthetic_voices


@pytest.mark.parametrize("name", ["espeak:en-us", "flite:slt"])
def test_a_missing_program_is_named_by_its_package(name, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=name.split(":")[0]):
        synthetic_voices.voice(name)


def test_an_unknown_voice_is_refused():
    with pytest.raises(UserError, match="espeak"):
        synthetic_voices.voice("radio:one")


def test_no_training_voice_is_held_out(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program: program)
    assert not {voice.name for voice in synthetic_voices.training_voices(None)} & set(
        synthetic_voices.HELD_OUT
    )
