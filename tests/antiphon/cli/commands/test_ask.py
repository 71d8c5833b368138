"""`antiphon ask`: one object, one file, and no file lost."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from antiphon import audio_file
from antiphon.cli import main
from antiphon.cli.commands import ask
from antiphon.cli.timed_reply import load_agent
from antiphon.errors import UserError

KEYS = {
    "question",
    "doubt",
    "reply",
    "sample_rate",
    "reply_seconds",
    "first_audio_ms",
    "rtf",
    "tokens_before_first_audio",
    "stages",
    "segments",
    "file",
}


def run(*args):
    return CliRunner().invoke(main.app, ["ask", *map(str, args), "--no-play"])


@pytest.fixture
def question(tmp_path, tiny_agent, monkeypatch):
    monkeypatch.setattr(ask, "load", lambda **choices: tiny_agent)
    path = tmp_path / "question.wav"
    audio_file.write(path, np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32), 16_000)
    return path


def test_json_is_one_object_with_the_promised_keys(question):
    result = run(question, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0 and set(told) == KEYS
    assert told["question"] == "Who are you?" and told["reply"] == "I am a voice. Ask me!"
    assert told["sample_rate"] == 22050 and told["reply_seconds"] > 0
    assert set(told["segments"][0]) == {"text", "start_s", "end_s", "units", "words"}
    assert set(told["segments"][0]["words"][0]) == {"text", "start_s", "end_s"}


@pytest.mark.parametrize("command", ["ask", "talk", "serve"])
@pytest.mark.parametrize("option", ["--persona", "--lexicon"])
def test_every_conversation_can_be_given_a_persona_and_words(command, option):
    assert option in CliRunner().invoke(main.app, [command, "--help"], env=WIDE).stdout


WIDE = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}


def test_the_persona_reaches_the_agent(question, tiny_agent, monkeypatch):
    chosen = {}
    monkeypatch.setattr(ask, "load", lambda **choices: chosen.update(choices) or tiny_agent)
    assert run(question, "--json", "--persona", "You are Ada.").exit_code == 0
    assert chosen["persona"] == "You are Ada."


def test_a_users_words_reach_the_agent(question, tiny_agent, monkeypatch, tmp_path):
    chosen = {}
    monkeypatch.setattr(ask, "load", lambda **choices: chosen.update(choices) or tiny_agent)
    assert run(question, "--json", "--lexicon", tmp_path / "own.txt").exit_code == 0
    assert chosen["lexicon"] == tmp_path / "own.txt"


def test_a_question_is_heard_once_and_as_a_whole(question, tiny_agent):
    told = json.loads(run(question, "--json").stdout)
    assert [len(pcm) for pcm in tiny_agent.s2t.given] == [8000]
    assert tiny_agent.s2t.finished == 1 and told["question"] == "Who are you?"


def test_several_questions_become_a_list(question, tmp_path):
    out = tmp_path / "reply.wav"
    told = json.loads(run(question, question, "--out", out, "--json").stdout)
    assert set(told) == {"answers"} and len(told["answers"]) == 2
    assert [each["file"] for each in told["answers"]] == [str(question)] * 2
    for each in told["answers"]:
        ends = [w["end_s"] for s in each["segments"] for w in (s, *s["words"])]
        assert max(ends) <= each["reply_seconds"] + 1e-3
    seconds = sum(each["reply_seconds"] for each in told["answers"]) + ask.PAUSE_SECONDS
    assert abs(soundfile.info(out).duration - seconds) < 0.01


def test_sound_goes_in_and_out_through_pipes(question):
    result = CliRunner().invoke(main.app, ["ask", "-", "--out", "-"], input=question.read_bytes())
    assert result.exit_code == 0, result.stderr
    assert soundfile.info(io.BytesIO(result.stdout_bytes)).samplerate == 22050
    assert "I am a voice. Ask me!" in result.stderr
    both = run(question, "--out", "-", "--json")
    assert both.exit_code == 2 and both.stderr.count("\n") == 1


def test_a_person_reads_question_reply_and_timings(question, tmp_path):
    result = run(question, "--out", tmp_path / "reply.wav")
    assert "Who are you?" in result.stdout and "I am a voice. Ask me!" in result.stdout
    assert "first audio" in result.stdout and "question.wav" in result.stdout
    assert soundfile.info(tmp_path / "reply.wav").samplerate == 22050


@pytest.mark.parametrize("name", ["missing.wav", "empty.wav", "text.wav", "short.wav", "."])
def test_a_bad_question_is_one_sentence_and_leaves_the_output(tmp_path, monkeypatch, name):
    monkeypatch.setattr(ask, "load", lambda **choices: pytest.fail("loaded for nothing"))
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("This is no sound.")
    audio_file.write(tmp_path / "short.wav", np.zeros(400, np.float32), 16_000)
    out = tmp_path / "reply.wav"
    out.write_bytes(b"kept")

    result = run(tmp_path / name, "--out", out, "--json")

    assert result.exit_code == 2 and not result.stdout
    assert result.stderr.startswith("antiphon: ") and result.stderr.count("\n") == 1
    assert out.read_bytes() == b"kept"


def test_an_unwritable_output_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(ask, "load", lambda **choices: pytest.fail("loaded for nothing"))
    result = run(tmp_path / "any.wav", "--out", tmp_path / "nowhere" / "reply.wav")
    assert result.exit_code == 2 and "nowhere" in result.stderr


def test_a_run_that_fails_midway_leaves_the_output(question, tmp_path, tiny_agent, monkeypatch):
    def broken(*args, **kwargs):
        yield from ()
        raise UserError("The language model is gone: fetch it again.")

    monkeypatch.setattr(tiny_agent.s2t, "reply", broken)
    out = tmp_path / "reply.wav"
    out.write_bytes(b"kept")
    result = run(question, "--out", out)
    assert result.exit_code == 2 and out.read_bytes() == b"kept"


def test_a_number_of_threads_that_makes_no_sense_is_one_sentence(question, monkeypatch):
    monkeypatch.setattr(ask, "load", load_agent)
    result = run(question, "--threads", "-1")
    assert result.exit_code == 2 and "threads is -1: give" in result.stderr


def test_a_rate_that_makes_no_sense_is_one_sentence(question, monkeypatch):
    monkeypatch.setattr(ask, "load", load_agent)
    result = run(question, "--rate", "coarse")
    assert result.exit_code == 2 and "The rate is 'coarse': give auto" in result.stderr


def test_unknown_ears_are_named_before_anything_is_loaded(question, monkeypatch):
    monkeypatch.setattr(ask, "load", load_agent)
    result = run(question, "--ears", "none")
    assert result.exit_code == 2 and "no way of hearing 'none': choose s2t" in result.stderr
