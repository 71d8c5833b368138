"""`antiphon say`: any text becomes speech, or one sentence says why not."""

from __future__ import annotations

import contextlib
import json

import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tiny_llm import byte_tokenizer
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.cli.commands import say
from antiphon.errors import UserError
from antiphon.llm.vocabulary import TokenTable, token_embeddings
from antiphon.t2c.spelling import text_tokens


def run(*args):
    return CliRunner().invoke(main.app, ["say", *map(str, args)])


@pytest.fixture
def reading() -> PreTrainedTokenizerFast:
    """Reads bytes."""
    return PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer())


@pytest.fixture
def spoken_by_tiny(tiny_agent, reading, monkeypatch):
    tiny_agent.source = "text"

    def load(text, **choices):
        return tiny_agent, list(text_tokens(text, TokenTable("tiny", reading, torch.zeros(256, 8))))

    monkeypatch.setattr(say, "load", load)


def test_speech_is_written(spoken_by_tiny, tmp_path):
    out = tmp_path / "x.wav"
    told = json.loads(run("It is 10:30, Dr. Li.", "--out", out, "--json").stdout)
    assert told["text"] == "It is 10:30, Dr. Li." and told["sample_rate"] == 22050
    assert abs(soundfile.info(out).duration - told["reply_seconds"]) < 0.01
    assert "".join(segment["text"] for segment in told["segments"]) == told["text"]


def test_a_long_text_comes_in_through_a_pipe(spoken_by_tiny, tmp_path):
    command = ["say", "-", "--out", str(tmp_path / "x.wav"), "--json"]
    told = json.loads(CliRunner().invoke(main.app, command, input="Hello there.").stdout)
    assert told["text"] == "Hello there." and told["reply_seconds"] > 0


def test_without_a_file_it_is_played(spoken_by_tiny, monkeypatch):
    played = []

    class FakePlayer(contextlib.nullcontext):
        def __init__(self, wanted):
            super().__init__(self)
            self.wanted = wanted

        def play(self, piece):
            played.append((self.wanted, len(piece.pcm)))

    monkeypatch.setattr(say, "Player", FakePlayer)
    monkeypatch.setattr(say, "speaker", lambda: object())
    result = run("Hello there.")
    assert result.exit_code == 0 and "played" in result.stdout
    assert all(wanted for wanted, _ in played) and sum(length for _, length in played) > 0


def test_without_a_file_and_a_speaker_nothing_is_loaded(monkeypatch):
    monkeypatch.setattr(say, "speaker", lambda: None)
    monkeypatch.setattr(say, "load", lambda *a, **k: pytest.fail("loaded for nothing"))
    result = run("Hello there.")
    assert result.exit_code == 2 and "no speaker" in result.stderr


@pytest.mark.parametrize("kind", ["opus", "mp3"])
def test_speech_in_other_formats(spoken_by_tiny, tmp_path, kind):
    assert run("Hello there.", "--out", tmp_path / f"x.{kind}").exit_code == 0
    assert soundfile.info(tmp_path / f"x.{kind}").duration > 0.1


def test_a_person_reads_one_line(spoken_by_tiny, tmp_path):
    result = run("Hello there.", "--out", tmp_path / "x.wav")
    assert result.exit_code == 0 and "x.wav" in result.stdout


@pytest.mark.parametrize("text", ["", "  \n ", "...", "😀", "—"])
def test_nothing_to_read_is_one_sentence(text, tmp_path, monkeypatch):
    monkeypatch.setattr(say, "load", lambda *a, **k: pytest.fail("loaded for nothing"))
    out = tmp_path / "x.wav"
    out.write_bytes(b"kept")
    result = run("--out", out, "--", text)
    assert result.exit_code == 2 and result.stderr.startswith("antiphon: The text")
    assert out.read_bytes() == b"kept"


@pytest.mark.parametrize("text", ["a", "7", "https://example.org/a?b=1", "1,000,000 km²"])
def test_what_can_be_read(text):
    say.require_speakable(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_tokens_spell_the_text(reading, text):
    tokens = list(text_tokens(text, TokenTable("tiny", reading, torch.zeros(256, 4))))
    assert "".join(token.text for token in tokens) == text
    assert all(token.hidden.shape == (4,) for token in tokens)


def test_embeddings_of_a_model(tmp_path):
    table = torch.randn(5, 3)
    save_file({"model.embed_tokens.weight": table.bfloat16()}, tmp_path / "model.safetensors")
    torch.testing.assert_close(token_embeddings(tmp_path), table.bfloat16().float())


def test_a_folder_without_a_language_model(tmp_path):
    with pytest.raises(UserError, match="embeddings"):
        token_embeddings(tmp_path)


def test_an_unwritable_output(tmp_path):
    result = run("Hello.", "--out", tmp_path)
    assert result.exit_code == 2 and "folder" in result.stderr


def test_phonemes_are_printed_with_where_they_come_from(spoken_by_tiny):
    told = json.loads(run("We close it.", "--phonemes", "--json").stdout)
    assert [word["text"] for word in told["words"]] == ["We", "close", "it"]
    assert all(word["origin"] == "pronouncer" for word in told["words"])  # it has two sounds only
    lines = run("We close it.", "--phonemes").stdout.splitlines()
    assert len(lines) == 3 and lines[0].startswith("We ") and lines[0].endswith("pronouncer")


def test_phonemes_are_not_spoken(spoken_by_tiny, tmp_path):
    result = run("Hello.", "--phonemes", "--out", tmp_path / "x.wav")
    assert result.exit_code == 2 and "--phonemes" in result.stderr
    assert not (tmp_path / "x.wav").exists()


def test_a_users_words_are_said_as_the_file_says(tiny_agent, reading, monkeypatch, tmp_path):
    table = TokenTable("tiny", reading, torch.zeros(256, 8))
    monkeypatch.setattr("antiphon.llm.vocabulary.load_vocabulary", lambda name: table)
    monkeypatch.setattr("antiphon.t2c.voice.from_pretrained", lambda *names: tiny_agent.voice)
    (tmp_path / "own.txt").write_text("SQL /abba/\nwrong\n")
    result = run("An SQL server.", "--phonemes", "--json", "--lexicon", tmp_path / "own.txt")
    words = {word["text"]: word for word in json.loads(result.stdout)["words"]}
    assert words["S Q L"]["phonemes"] == "abba" and words["S Q L"]["origin"] == "own lexicon"
