"""`antiphon train echo --llm` and `train s2t --llm`: any language model gets a voice and ears."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config
from typer.testing import CliRunner

from antiphon.cli import main
from antiphon.errors import UserError
from antiphon.llm import language_model
from antiphon.llm.chat_template import encode
from antiphon.messages import Segment
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t import direct, speech_to_text
from antiphon.s2t.readings import TrainedReadings
from antiphon.t2c import voice as voices
from antiphon.t2c.phonemes import BEGIN, END, PAUSES, SPACE
from antiphon.t2c.text_to_codec import T2CConfig, TextToCodec
from antiphon.t2c.voice_join import JoinConfig, VoiceJoin, save_join
from antiphon.training.corpora.hearing import agent_replies, heard_speech
from antiphon.training.jobs.voice.echo_training import JoinEcho
from antiphon.training.voice_join_recipe import VoiceJoinRecipe, new_adapter
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig
from antiphon_codecs.unit_language.unit_language import UnitLanguage

KINDS = {"llama": LlamaConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config}
OWN_WIDTH, THEIR_WIDTH, UNITS = 16, 32, 16
LETTERS = "abcdefghij .,"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)


def causal(kind: str, width: int, tokenizer, folder: Path) -> Path:
    """A random language model that writes letters, spaces and stops."""
    torch.manual_seed(4)
    config = KINDS[kind](
        vocab_size=258, hidden_size=width, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, eos_token_id=256,
        tie_word_embeddings=False, initializer_range=0.3,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config)
    likely = [encode(tokenizer, letter)[0] for letter in LETTERS]
    rows = torch.zeros(258, 1)
    rows[likely] = 1.0
    model.get_output_embeddings().weight.data *= rows
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.fixture
def llm(request, tokenizer, tmp_path) -> str:
    kind = getattr(request, "param", "llama")
    return str(causal(kind, THEIR_WIDTH, tokenizer, tmp_path / "llm"))


@pytest.fixture
def voice(tokenizer, tmp_path) -> str:
    """A tiny voice that was trained for a language model of its own."""
    own = causal("llama", OWN_WIDTH, tokenizer, tmp_path / "own")
    folder = tmp_path / "assets" / "voice"
    folder.mkdir(parents=True)
    sounds = tuple(sorted({BEGIN, END, SPACE, *PAUSES, "a", "b"}))
    words = [*((unit,) for unit in range(UNITS)), (0, 1), (2, 3, 4)]
    language = UnitLanguage(words, np.zeros(len(words)), UNITS)
    table = AutoModelForCausalLM.from_pretrained(own).get_input_embeddings().weight.detach()
    sizes = T2CConfig(OWN_WIDTH, 16, sounds, width=16, lm_layers=1, lm_heads=2, lm_inner=16)
    t2c = TextToCodec(sizes, language, table)
    with torch.no_grad():
        t2c.voice.length_head.bias[2] = 8.0  # most sounds last three units
        t2c.pronouncer.head.bias[-1] = -5.0  # and most letters are heard
    t2c.save(folder / "t2c.safetensors")
    language.save(folder / "unit_language.safetensors")
    codec = UnitCodec(
        UnitCodecConfig(
            codes=UNITS, width=16, hidden=16, encoder_blocks=1, decoder_blocks=2, centred_blocks=1
        )
    )
    codec.save(folder / "codec.safetensors")
    facts = {"kind": "voice", "codec": "unit", "language_models": {str(own): "t2c.safetensors"}}
    (folder / "config.json").write_text(json.dumps(facts))
    return str(folder)


@pytest.fixture(autouse=True)
def place(voice, whisper, tmp_path, monkeypatch, empty_cache):
    """One's own weights, and the tiny models as the settings."""
    monkeypatch.setenv("ANTIPHON_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("ANTIPHON_VOICE", voice)
    monkeypatch.setenv("ANTIPHON_RECOGNIZER", str(whisper))
    monkeypatch.setenv("ANTIPHON_RESCORER", "")  # in an empty cache it would be fetched each time
    monkeypatch.setattr(speech_to_text, "SpeechDetector", lambda: None)
    monkeypatch.setattr("antiphon.compute.torch_device._used", None)
    monkeypatch.setattr("antiphon.training.voice_join_recipe.INNER", 16)
    monkeypatch.setattr(agent_replies, "MAX_TOKENS", 16)
    monkeypatch.setattr("antiphon.llm.chat_template.EXAMPLES", ())
    questions = [{"question": f"Who is {name}?", "answers": ["a b"]} for name in "abcdefgh"]
    for name in ("webquestions_train", "webquestions_val", "opentriviaqa"):
        path = tmp_path / "data" / "text" / "qa" / f"{name}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in questions)
    (tmp_path / "data" / "speech").mkdir()


def train(tmp_path, job, *args):
    folders = ["--data", tmp_path / "data", "--work", tmp_path / "work"]
    return CliRunner().invoke(main.app, ["train", job, *map(str, (*folders, *args))])


def rows(log: Path):
    return [json.loads(row) for row in log.read_text().splitlines()]


@pytest.mark.parametrize("llm", KINDS, indirect=True)
def test_a_voice_joins_a_language_model_it_was_not_trained_with(llm, voice, tmp_path):
    options = ("--llm", llm, "--replies", 4)
    done = train(tmp_path, "echo", *options, "--steps", 20)
    assert done.exit_code == 0, done.output
    assert f"--llm {llm} --source hidden" in done.output
    (work,) = (tmp_path / "work" / "join").iterdir()
    assert (work / "echo" / "checkpoint.pt").exists() and (work / "echo" / "loss.png").exists()

    # What was written is found by its language model, and the loss is smaller with it.
    vocabulary = language_model.from_pretrained(llm)
    spoken = voices.from_pretrained(voice, vocabulary)
    assert isinstance(spoken, voices.EchoVoice)
    assert spoken.join is not None and spoken.join.adapter is not None
    recipe = VoiceJoinRecipe(tmp_path / "data", work, tmp_path / "out", llm, voice)
    _, model = recipe.generator
    examples = recipe.examples()
    losses = []
    for adapter in (new_adapter(THEIR_WIDTH, OWN_WIDTH, 0), spoken.join.adapter):
        task = JoinEcho(model, examples, adapter).eval()
        with torch.no_grad():
            losses.append(np.mean([float(task.step(step)["unit"]) for step in range(8)]))
    assert losses[1] < losses[0]

    # Hidden states are what it speaks from.
    reply = agent_replies.read(work / "replies")[0]
    hidden = spoken.join(Segment(reply, True)).hidden
    plain = VoiceJoin(spoken.join.vocabulary)(Segment(reply, True)).hidden
    assert not torch.allclose(hidden, torch.nn.functional.normalize(plain) * 4, atol=1e-4)
    assert sum(len(piece.pcm) for piece in spoken.speak(iter([Segment(reply, True)]))) > 0


def test_a_join_is_trained_on_where_it_was_cut(llm, voice, tmp_path):
    options = ("--llm", llm, "--replies", 6, "--steps", 6)
    assert "Time is up" in train(tmp_path, "echo", *options, "--minutes", 0).output
    assert train(tmp_path, "echo", *options).exit_code == 0
    (log,) = (tmp_path / "work").rglob("log.jsonl")
    assert [row["step"] for row in rows(log)] == list(range(1, 7))
    assert train(tmp_path, "echo", *options).exit_code == 0
    assert len(rows(log)) == 6


def heard(text: str, sure: float, generator: torch.Generator) -> Transcription:
    pieces = (*text.replace(" ", "\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}"), "")
    count = len(pieces)
    log_probs = torch.full((count,), 0.9).log()
    log_probs[: count // 2] = torch.tensor(sure).log()
    return Transcription(
        torch.randn(4 * count, 16, generator=generator),
        torch.randn(count, 16, generator=generator),
        torch.arange(count).repeat_interleave(2),
        text,
        pieces,
        log_probs,
    )


@pytest.fixture
def corpus(whisper, tmp_path) -> None:
    generator = torch.Generator().manual_seed(0)
    said = [f"who is {a}{b}" for a in "abcd" for b in "efg"]
    clips = [(heard(text.replace("w", "v"), 0.1, generator), text) for text in said]
    folder = heard_speech.folder(tmp_path / "work" / "conversation", str(whisper))
    folder.mkdir(parents=True)
    heard_speech.save(folder / "00000.pt", clips)


@pytest.mark.parametrize("llm", KINDS, indirect=True)
def test_any_language_model_learns_to_hear(llm, whisper, corpus, tmp_path):
    assert speech_to_text.way_of_hearing("auto", llm) == "cascade"
    done = train(tmp_path, "s2t", "--llm", llm, "--answer-steps", 30)
    assert done.exit_code == 0, done.output
    assert f"--llm {llm} --ears s2t" in done.output
    (log,) = (tmp_path / "work").rglob("log.jsonl")
    losses = [row["loss"] for row in rows(log)]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:5])
    assert "held_out.kl" in rows(log)[-1]
    assert not list((tmp_path / "assets").rglob("adapter.safetensors"))  # computed, not kept

    assert speech_to_text.way_of_hearing("auto", llm) == "s2t"
    model = language_model.from_pretrained(llm)
    encoder = direct.load(lambda: model, str(whisper))
    assert isinstance(encoder.readings, TrainedReadings)
    generator = torch.Generator().manual_seed(1)
    sure, unsure = (heard("who is it", share, generator) for share in (0.9, 0.1))
    read = model.embeddings[encode(model.tokenizer, "who is it")].float()
    assert torch.equal(encoder.embed(sure), read)
    changed = (encoder.embed(unsure) - read).abs().sum(1) > 0
    assert changed.any() and torch.equal(encoder.embed(unsure)[~changed], read[~changed])


def said(result) -> str:
    assert result.exit_code == 2, result.output
    return result.stderr


def test_what_cannot_be_trained_is_one_sentence(llm, voice, tmp_path):
    own = json.loads(Path(voice, "config.json").read_text())["language_models"]
    told = said(train(tmp_path, "echo", "--llm", next(iter(own))))
    assert "itself and needs no join" in told
    for job in ("echo", "s2t"):
        assert "is a server" in said(train(tmp_path, job, "--llm", "http://localhost:1/v1#x"))
        assert "There are no weights named" in said(train(tmp_path, job, "--llm", "nothing"))
    assert "--joint" in said(train(tmp_path, "echo", "--llm", llm, "--joint"))
    assert "--whole" in said(train(tmp_path, "s2t", "--llm", llm, "--whole"))
    assert "no NVIDIA GPU" in said(train(tmp_path, "echo", "--llm", llm, "--device", "cuda"))


def test_a_corpus_without_doubt_teaches_nothing(llm, whisper, tmp_path):
    folder = heard_speech.folder(tmp_path / "work" / "conversation", str(whisper))
    folder.mkdir(parents=True)
    clip = heard("who is it", 0.9, torch.Generator())
    heard_speech.save(folder / "00000.pt", [(clip, "who is it")])
    assert "no clip of which anything was in doubt" in said(train(tmp_path, "s2t", "--llm", llm))


@pytest.mark.parametrize("fault", ["cut", "missing", "other", "infinite"])
def test_a_join_that_does_not_fit_is_named_with_what_is_expected(llm, voice, tmp_path, fault):
    width = THEIR_WIDTH + (fault == "other")
    adapter = new_adapter(width, OWN_WIDTH, 0)
    if fault == "infinite":
        torch.nn.init.constant_(adapter[3].bias, torch.inf)  # type: ignore[arg-type]
    folder = tmp_path / "assets" / "join"
    save_join(adapter, JoinConfig(voice, llm), folder)
    file = folder / "adapter.safetensors"
    if fault == "cut":
        file.write_bytes(file.read_bytes()[:-10])
    if fault == "missing":
        file.unlink()
    told = {
        "cut": "two layers from 32 features to 16 are expected",
        "missing": "two layers from 32 features to 16 are expected",
        "other": "turns 33 features into 16, but .* has 32 and the voice 16",
        "infinite": "not finite",
    }
    with pytest.raises(UserError, match=f"{file}.*{told[fault]}.*train echo --llm"):
        voices.from_pretrained(voice, language_model.from_pretrained(llm))


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"", "one from 52 features to 32 is expected"), (None, "52 features into 33, but .* 32")],
)
def test_an_adapter_that_does_not_fit_is_named(llm, whisper, tmp_path, text, told):
    from antiphon.s2t.reading_adapter import (
        FILE,
        ReadingAdapter,
        ReadingAdapterConfig,
        save_reading_adapter,
    )

    folder = tmp_path / "assets" / "ears"
    folder.mkdir()
    config = {"kind": "adapter", "language_model": llm, "recognizer": str(whisper)}
    (folder / "config.json").write_text(json.dumps(config))
    if text is None:
        adapter = ReadingAdapter(ReadingAdapterConfig(52, 33))
        save_reading_adapter(adapter, folder / FILE)
    else:
        (folder / FILE).write_bytes(text)
    with pytest.raises(UserError, match=f"{FILE}.*{told}.*train s2t --llm"):
        direct.load(lambda: language_model.from_pretrained(llm), str(whisper))
