"""A tiny Qwen3-ASR learns three sounds by all stages, and its folder is a recognizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.recognition.qwen3_asr.recognizer import Qwen3AsrRecognizer
from antiphon.recognition.qwen3_asr.writing import known_words
from antiphon.recognition.qwen3_asr.writing.known_words import KnownWords
from antiphon.recognition.recognizer import load, transcribe
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.layers import WhisperConfig
from antiphon.training.corpora.hearing import recognition, spoken_languages
from antiphon.training.corpora.hearing.heard_speech import Recording
from antiphon.training.corpora.hearing.spoken_languages import kept
from antiphon.training.jobs.qwen3_asr import batches
from antiphon.training.jobs.qwen3_asr import recognizer as job
from antiphon.training.jobs.qwen3_asr.model import Size
from antiphon.training.jobs.qwen3_asr.recognizer import Recipe

RATE = 16_000
TINY = Size(32, 1, 2, 64, 4, 32, 2, 2, 1, 64, 300, 80, 160, 800)
TEXTS = {300: ("Alphabet goes left.", "en"), 900: ("Zwischen zwei Dingen.", "de"), 0: ("", "")}
TEXTS_READ = {"en": ["Alphabet goes left."], "de": ["Zwischen zwei Dingen."]}
LINES = job.spelled(TEXTS_READ) * 40
STEPS = {
    "text": 60,
    "tower": 20,
    "states": 5,
    "letters": 40,
    "pieces": 150,
    "again": 20,
    "writing": 250,
}


def tone(pitch):
    """Two seconds of a tone; pitch 0: noise."""
    time = np.arange(2 * RATE) / RATE
    noise = np.random.default_rng(pitch).normal(0, 0.01, len(time))
    return (0.3 * np.sin(2 * np.pi * pitch * time) + noise).astype(np.float32)


def prepared(pitch):
    return kept(tone(pitch), *TEXTS[pitch])


def teacher():
    """A Whisper of the tower's width."""
    torch.manual_seed(1)
    config = WhisperConfig(300, TINY.d_model, 1, 1, 2)
    return AudioEncoder(config).requires_grad_(False)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    whisper: Any = type("Encoder", (), {"load": staticmethod(lambda folder, **more: teacher())})
    monkeypatch.setattr(job, "AudioEncoder", whisper)
    monkeypatch.setattr("antiphon.weights.path", Path)
    monkeypatch.setattr(recognition, "dev_clips", lambda data: [(tone(300), TEXTS[300][0])])
    monkeypatch.setattr(job, "BATCH", 3)
    monkeypatch.setattr(batches, "BATCH", 3)
    monkeypatch.setattr(job, "RATES", dict.fromkeys(STEPS, 1e-2))
    monkeypatch.setattr(job, "TOWER_SHARE", 1.0)
    monkeypatch.setattr(Recipe, "texts", lambda self: TEXTS_READ)
    corpus = tmp_path / "work" / "corpus"
    corpus.mkdir(parents=True)
    torch.save([vars(prepared(pitch)) for pitch in TEXTS], corpus / "00000.pt")
    return Recipe(tmp_path, tmp_path / "work", tmp_path / "out", TINY)


def test_what_it_learns_is_a_recognizer(recipe):
    assert not recipe.train(STEPS, minutes=0)
    assert recipe.train(STEPS)
    found = load(str(recipe.out))
    assert isinstance(found, Qwen3AsrRecognizer) and found.languages == ("en", "de")
    words = KnownWords(known_words.load(recipe.out), "German")
    assert words.worth("zwischen", ended=True) > words.worth("zwishen", ended=True)
    errors = {}
    for stage in ("letters", "pieces", "writing"):
        last = (recipe.work / stage / "log.jsonl").read_text().splitlines()[-1]
        errors[stage] = json.loads(last)["held_out.wer"]
    assert errors["pieces"] == errors["writing"] == 0 <= errors["letters"]
    twice = [
        torch.load(recipe.work / stage / "checkpoint.pt", weights_only=True)["model"]
        for stage in ("pieces", "again")
    ]
    one, other = (each["tower.ln_post.weight"] for each in twice)
    assert not torch.allclose(one, other)
    average = found.model.model.audio_tower.ln_post.weight
    torch.testing.assert_close(average.float(), (one + other) / 2, atol=2e-3, rtol=2e-3)
    for pitch, (text, language) in TEXTS.items():
        heard = transcribe(found, tone(pitch))
        assert heard.text == text
        assert heard.language == (language or None)
        assert heard.doubt == (None if text else "no speech")


def test_of_recordings_without_a_text_only_what_is_surely_heard_is_kept(monkeypatch, tmp_path):
    paths = {name: tmp_path / name for name in ("told", "sure", "unsure")}
    pitches = {path: 300 + 100 * i for i, path in enumerate(paths.values())}
    found = [
        Recording(paths["told"], "WELL SAID"),
        *(Recording(paths[n], "") for n in ("sure", "unsure")),
    ]
    monkeypatch.setattr(spoken_languages, "recordings", lambda data: found)
    monkeypatch.setattr(spoken_languages, "Augment", lambda data: lambda pcm, rng: pcm)
    monkeypatch.setattr(spoken_languages, "EnglishTexts", lambda *_: None)
    monkeypatch.setattr(spoken_languages, "dictionary_texts", lambda: None)
    monkeypatch.setattr(spoken_languages, "_sentences", lambda code: set())
    monkeypatch.setattr(spoken_languages, "training_voices", lambda folder: [])
    monkeypatch.setattr(spoken_languages, "PEOPLE", 1.0)
    monkeypatch.setattr(audio_file, "read", lambda path, rate: tone(pitches[path]))

    def label(pcm):
        return "I am heard." if np.allclose(pcm, tone(400)) else ""

    for how, texts in ((None, {"Well said"}), (label, {"Well said", "I am heard."})):
        clips = spoken_languages.SpokenLanguages(tmp_path, how, ()).clips(0, 0)
        assert {text for _, text, _ in clips} == texts


def test_a_language_without_texts_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(spoken_languages, "BOOK", tmp_path)
    with pytest.raises(UserError, match="debian-handbook"):
        spoken_languages.sentences("de")


def test_sentences_of_a_book_are_plain_and_of_its_language(monkeypatch, tmp_path):
    original = "This was not translated into German."
    german = f"Das <i>ist</i> ein ganzer Satz. Kapitel 3 nicht, weil Zahl. {original}"
    for folder, text in {"de-DE": german, "en-US": original}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.html").write_text(f'<div class="para">{text}</div>')
    monkeypatch.setattr(spoken_languages, "BOOK", tmp_path)
    assert spoken_languages.sentences("de") == ["Das ist ein ganzer Satz."]
