"""Training of the speech-to-text adapter."""

import json
from pathlib import Path

import pytest
import torch

from antiphon.errors import UserError
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t.adapter import Adapter, AdapterConfig
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.jobs import s2t_adapter


def shard(path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    rows = []
    for text in ("who am i", "so", "what now", "no"):
        frames = torch.randn(60, 4, generator=generator)
        words = torch.randn(3, 4, generator=generator)
        rows.append((Transcription(frames, words, torch.arange(30) // 10, text), text))
    heard_speech.save(path, rows)
    return path


def spelled(tokenizer):
    return lambda text: [i + 1 for i in tokenizer(text)["input_ids"]]


@pytest.fixture
def clips(tmp_path, tokenizer):
    return s2t_adapter.Clips([shard(tmp_path / "00000.pt")], spelled(tokenizer))


@pytest.fixture
def adapter():
    torch.manual_seed(0)
    return Adapter(AdapterConfig(16, 16, 2, 257, 1, dropout=0.0), torch.arange(-1, 256))


def test_the_ctc_stage_learns(adapter, clips, tmp_path):
    s2t_adapter.align(adapter, clips, clips, tmp_path / "run", steps=40, batch=2, lr=1e-2)
    rows = [json.loads(row) for row in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]


@pytest.mark.parametrize("whole", [False, True])
def test_the_reply_stage_reaches_the_adapter_through_the_language_model(
    adapter, clips, llm, tokenizer, tmp_path, whole
):
    before = {name: value.clone() for name, value in adapter.named_parameters()}
    s2t_adapter.answer(
        adapter,
        llm,
        tokenizer,
        clips,
        clips,
        {"who am i": "you", "so": "so"}.get,
        tmp_path / "run",
        whole=whole,
        steps=3,
        batch=2,
    )
    learned = {name for name, value in adapter.named_parameters() if not value.equal(before[name])}
    assert "gate" in learned
    assert ("audio_feature_head.weight" in learned) is whole
    assert len(clips.clips) == 2


def test_hearing_comes_nearer_to_reading(adapter, clips, llm, tokenizer, tmp_path):
    told = {"who am i": "you", "so": "so", "no": "why"}.get
    s2t_adapter.answer(
        adapter, llm, tokenizer, clips, clips, told, tmp_path, steps=60, batch=4, lr=5e-3
    )
    rows = [json.loads(row) for row in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["held_out.kl"] < 0.8 * rows[0]["kl"]


def test_an_empty_corpus_is_refused(tokenizer):
    with pytest.raises(UserError, match="train corpus"):
        s2t_adapter.Clips([], spelled(tokenizer))
