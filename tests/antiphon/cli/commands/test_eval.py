"""`antiphon eval`: one object with the keys of the README's table, progress elsewhere."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.cli.measures import parts
from antiphon.cli.measures import written as written_measures
from antiphon.evaluation import judges, material
from antiphon.messages import Token
from antiphon.training.corpora.hearing import synthetic_voices


def run(*args):
    return CliRunner().invoke(main.app, ["eval", *map(str, args)])


def told(*args):
    result = run(*args, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def tiny(tiny_agent, monkeypatch):
    """Tiny models, judges without ears, and no data."""
    reply = tuple(Token(i, word, torch.zeros(8)) for i, word in enumerate((" I", " am")))
    judge = judges.Judges(lambda pcm: "I am", lambda pcm: 3.0)
    second = np.ones(16_000, np.float32)
    monkeypatch.setattr(parts, "load", lambda **choices: tiny_agent)
    monkeypatch.setattr(parts, "echo_voice", lambda voice: tiny_agent.voice)
    monkeypatch.setattr(parts, "teaching_model", lambda voice: "own")
    monkeypatch.setattr(parts, "written", lambda *args: [reply])
    monkeypatch.setattr(parts, "teacher", lambda seed: lambda text: second)
    monkeypatch.setattr(parts, "teacher_latent", lambda: lambda text: torch.randn(30, 192))
    monkeypatch.setattr(parts, "listen", lambda ears: tiny_agent.s2t)
    monkeypatch.setattr(parts, "cascaded", lambda agent: agent)
    monkeypatch.setattr(judges, "judges", lambda: judge)
    monkeypatch.setattr(judges, "recognizer", lambda name: judge.recognize)
    monkeypatch.setattr(material, "sentences", lambda *args: ["I am"])
    monkeypatch.setattr(material, "questions", lambda *args: [material.Question("Q?", ("am",))])


def test_replies():
    result = told("replies", "--limit", 1)
    for path in ("hidden", "text"):
        assert {"wer_over_teacher", "mos_below_teacher"} <= set(result[path])


def test_replies_of_the_language_model_that_is_named(tiny_agent, monkeypatch):
    chosen = {}
    monkeypatch.setattr(parts, "load", lambda **given: chosen.update(given) or tiny_agent)
    assert "wer_over_text_interval" in told("replies", "--llm", "some/model")["hidden"]
    assert chosen["llm"] == "some/model"


def test_units():
    assert {"compression", "wer_loss"} <= set(told("units"))


def test_qa(monkeypatch):
    monkeypatch.setattr(synthetic_voices, "HELD_OUT", ("espeak:x",))
    fake = type("Voice", (), {"speak": staticmethod(lambda text: np.ones(16_000, np.float32))})
    monkeypatch.setattr(synthetic_voices, "voice", lambda name: fake)
    result = told("qa")
    assert {"accuracy_text", "accuracy_s2t", "accuracy_cascade", "ratio"} <= set(result)
    assert result["accuracy_s2t"] == 100 and result["ratio"] == 1


def test_ablation_is_of_the_model_that_taught_the_voice(tmp_path, monkeypatch, tiny_agent):
    chosen = {}
    monkeypatch.setattr(parts, "load", lambda **given: chosen.update(given) or tiny_agent)
    rows = told("ablation", "--voice", tmp_path)["rows"]
    assert chosen["llm"] == "own"
    assert [set(row) for row in rows] == [{"variant", "streaming", "whole"}] * 3


def test_a_person_reads_a_table(tmp_path):
    result = run("ablation", "--voice", tmp_path)
    assert "text path, streaming.wer" in result.stdout and "echo, full, whole.mos" in result.stdout


def test_no_data_is_one_sentence(tmp_path):
    result = run("ears", "--data", tmp_path)
    assert result.exit_code == 2 and "--data" in result.stderr and result.stderr.count("\n") == 1


def test_a_limit_below_one():
    assert run("replies", "--limit", 0).exit_code == 2


def test_chat(monkeypatch):
    monkeypatch.setattr(
        written_measures, "responding", lambda llm: lambda text, history: f"{llm}, I don't know."
    )
    result = told("chat", "--llm", "tiny", "--limit", 3)
    assert {"passed", "interval", "checks", "kinds"} <= set(result) and "failed" not in result
    assert result["conversations"] == 3
    failed = told("chat", "--llm", "tiny", "--limit", 3, "--wrong")["failed"]
    assert failed[0]["reply"] == "tiny, I don't know."


def test_chat_shows_a_person_what_failed(monkeypatch):
    monkeypatch.setattr(written_measures, "responding", lambda llm: lambda text, history: "Hm.")
    result = run("chat", "--limit", 2)
    assert result.exit_code == 0 and "passed" in result.stdout and "Hm." in result.stdout


def test_chat_with_an_unknown_language_model_is_one_sentence(monkeypatch):
    monkeypatch.setenv("ANTIPHON_RESCORER", "")  # else one may be packed meanwhile, which is told
    result = run("chat", "--llm", "./no-such-folder")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
