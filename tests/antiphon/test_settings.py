"""Settings: defaults, environment, antiphon.toml, options; later ones win."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon import settings
from antiphon.cli import main
from antiphon.cli.commands.config import sections
from antiphon.errors import UserError
from antiphon.runtime.options import Options
from antiphon.settings import Conversation, Models, Paths


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder, and a home without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_each_source_wins_over_those_before_it(here, monkeypatch):
    assert settings.load(Models).voice == "voice-joe"
    monkeypatch.setenv("ANTIPHON_VOICE", "from-environment")
    assert settings.load(Models).voice == "from-environment"
    (here / "antiphon.toml").write_text('[models]\nvoice = "from-file"\n')
    assert settings.load(Models).voice == "from-file"
    assert settings.load(Models, voice="from-option").voice == "from-option"


def test_values_have_the_type_of_the_setting(monkeypatch):
    monkeypatch.setenv("ANTIPHON_PATIENCE", "1.5")
    monkeypatch.setenv("ANTIPHON_STOP_WORD", "false")
    monkeypatch.setenv("ANTIPHON_DATA", "/data")
    chosen = settings.load(Conversation)
    assert chosen.patience == 1.5 and chosen.stop_word is False
    assert settings.load(Paths).data == Path("/data")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[models]\nvoise = "x"\n', "did you mean voice?"),
        ("[models]\nsource = 3\n", "source in antiphon.toml is 3"),
        ("[models\n", "is no TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence(here, toml, said):
    (here / "antiphon.toml").write_text(toml)
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        settings.load(Models)


def test_a_wrong_variable_is_one_sentence(monkeypatch):
    monkeypatch.setenv("ANTIPHON_PATIENCE", "long")
    result = CliRunner().invoke(main.app, ["config"])
    assert result.exit_code == 2 and "ANTIPHON_PATIENCE is 'long'" in result.stderr


def test_config_tells_where_values_come_from(here, monkeypatch):
    monkeypatch.setenv("ANTIPHON_MQTT", "mqtts://robot:secret@example.org")
    (here / "antiphon.toml").write_text('[models]\nllm = "mine"\n')
    told = json.loads(CliRunner().invoke(main.app, ["config", "--json"]).stdout)
    assert told["models"]["llm"] == {"value": "mine", "from": "antiphon.toml"}
    assert told["models"]["voice"]["from"] == "default"
    broker = {"value": "mqtts://robot:***@example.org", "from": "ANTIPHON_MQTT"}
    assert told["mqtt"]["mqtt"] == broker
    plain = CliRunner().invoke(main.app, ["config"]).stdout
    assert "secret" not in plain and "voice-joe" in plain


def test_no_two_settings_share_a_variable():
    names = [each.name for section in sections().values() for each in settings.settings_of(section)]
    assert len(names) == len(set(names))


def test_a_conversation_has_the_defaults_of_the_settings():
    chosen = Options.chosen(Conversation())
    common = {each.name for each in fields(Conversation)} - {"mode"}
    assert all(getattr(Options(), name) == getattr(chosen, name) for name in common)
    assert chosen.mode == "half"
