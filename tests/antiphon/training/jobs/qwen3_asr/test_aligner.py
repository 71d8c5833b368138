"""An aligner learns when tones sound, from clips whose times it is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_recognizer import LevelRecognizer

from antiphon.errors import UserError
from antiphon.recognition.alignment.slots import SlotAligner, step_ms
from antiphon.recognition.qwen3_asr.checkpoint import load
from antiphon.recognition.qwen3_asr.features import Features
from antiphon.recognition.transcript import Word
from antiphon.training.corpora.hearing.timed_speech import TimedSpeech
from antiphon.training.corpora.voice import texts
from antiphon.training.jobs.qwen3_asr import aligner
from antiphon.training.jobs.qwen3_asr.model import Size, make_model, make_tokenizer, write

RATE = 16_000
TINY = Size(32, 1, 2, 64, 4, 32, 2, 2, 1, 64, 300, 80, 160, 800)


def speech(seed):
    """Two words, a low tone and a high one, somewhere in two seconds of quiet."""
    rng = np.random.default_rng(seed)
    pcm = rng.normal(0, 0.003, 2 * RATE).astype(np.float32)
    words = []
    for text, pitch, first in (("low", 300, 0.1), ("high", 2000, 1.1)):
        start, length = first + rng.uniform(0, 0.4), rng.uniform(0.2, 0.4)
        a, b = int(start * RATE), int((start + length) * RATE)
        pcm[a:b] += 0.4 * np.sin(2 * np.pi * pitch * np.arange(b - a) / RATE).astype(np.float32)
        words.append(Word(text, a, b))
    return TimedSpeech(pcm, tuple(words))


def prepared(seed):
    said = speech(seed)
    times = torch.tensor([[w.start / RATE, w.end / RATE] for w in said.words])
    return aligner.Clip(TINY.features().whole(said.pcm).half(), ("low", "high"), times)


@pytest.fixture
def recognizer(tmp_path):
    torch.manual_seed(0)
    tokenizer = make_tokenizer(["low", "high"] * 30, 300)
    model = make_model(TINY, tokenizer, None)
    write(model, tokenizer, TINY.features(), "recognizer", ["en"], tmp_path / "asr")
    return tmp_path / "asr"


def test_it_learns_when_words_sound(recognizer, tmp_path, monkeypatch):
    monkeypatch.setattr(aligner, "CLASSES", 110)
    monkeypatch.setattr(aligner.model_from, "__defaults__", (110,))
    monkeypatch.setattr(aligner, "RATE", 1e-2)
    monkeypatch.setattr(aligner, "BATCH", 6)
    work = tmp_path / "work"
    (work / "clips").mkdir(parents=True)
    for number in range(24):
        torch.save(vars(prepared(number)), work / "clips" / f"{number:06d}.pt")
    assert aligner.train(recognizer, work, tmp_path / "out", steps=100)
    assert step_ms(tmp_path / "out") == 20
    found = SlotAligner(load(tmp_path / "out"), LevelRecognizer(), "tiny", step_ms=20)
    shifts = []
    for seed in range(3):
        said = speech(seed)
        for word, true in zip(
            found.place(said.pcm, ["low", "high"], None), said.words, strict=True
        ):
            shifts += [abs(word.start - true.start), abs(word.end - true.end)]
    assert np.mean(shifts) < 0.12 * RATE  # a guess without hearing is off by 0.2 s


def test_clips_hold_every_word_where_it_is_after_their_speed_changed(monkeypatch, tmp_path):
    monkeypatch.setattr(aligner, "timed_voice", lambda name: lambda text: speech(1))
    monkeypatch.setattr(texts, "turns", lambda data: ["Low and high."])
    clips = aligner.TimedClips(tmp_path, Features(80, 800), ["any"])
    for number in range(4):
        clip = clips.clip(number, 0)
        assert len(clip.words) == len(clip.times) and len(clip.words) % 2 == 0
        assert clip.times[-1, 1] * 100 <= len(clip.frames)
        loud = clip.frames.float().max(1).values
        for start, end in clip.times.tolist():
            inside = loud[int(start * 100) + 3 : int(end * 100) - 3].mean()
            assert inside > loud.mean()


def test_without_clips_it_says_so(recognizer, tmp_path):
    with pytest.raises(UserError, match="no clips"):
        aligner.train(recognizer, tmp_path, tmp_path / "out", steps=1)
