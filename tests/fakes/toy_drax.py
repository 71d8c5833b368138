"""A toy language for Drax: states that spell words of eight letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from antiphon.recognition.drax.checkpoint import DraxModel, small
from antiphon.training.corpora.hearing.recognition import Clip
from antiphon.training.jobs.drax import job

LETTERS = "abcdefgh"


class Letters:
    """A vocabulary of letters."""

    def encode(self, text: str) -> list[int]:
        return [LETTERS.index(sign) for sign in text if sign != " "]

    def decode(self, ids: list[int]) -> str:
        return " ".join(LETTERS[i] for i in ids if i < len(LETTERS))


def clip(seed: int, noise: float = 0.05) -> Clip:
    """A word of letters, each of which is a few frames of its own kind, with gaps between."""
    generator = torch.Generator().manual_seed(seed)
    count = int(torch.randint(2, 6, (1,), generator=generator))
    ids = torch.randint(len(LETTERS), (count,), generator=generator).tolist()
    frames = []
    for i in ids:
        frames += [torch.eye(16)[8]] * 4 + [torch.eye(16)[i]] * 4
    whole = torch.stack([*frames, *[torch.eye(16)[8]] * 4])
    noisy = whole + noise * torch.randn(whole.shape, generator=generator)
    return Clip(noisy.half(), " ".join(LETTERS[i] for i in ids))


def tiny() -> DraxModel:
    return small(64, 2, len(LETTERS), 32, 1, from_whisper=False)


def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder with a corpus, and models of its size."""
    monkeypatch.setattr(job, "fresh", lambda kept: tiny())
    monkeypatch.setattr(job, "SubVocabulary", lambda file, kept: Letters())
    monkeypatch.setattr("antiphon.weights.path", lambda name: tmp_path)
    monkeypatch.setattr(job, "DECODER_RATE", 7e-4)
    work = tmp_path / "work"
    (work / "corpus").mkdir(parents=True)
    rows = [clip(i) for i in range(120)]
    torch.save([{"frames": c.frames, "text": c.text} for c in rows], work / "corpus" / "00000.pt")
    dev = [clip(1000 + i) for i in range(8)]
    torch.save([{"frames": c.frames, "text": c.text} for c in dev], work / "dev.pt")
    (work / job.VOCABULARY).write_text(json.dumps(list(range(len(LETTERS)))))
    return work
