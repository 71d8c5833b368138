"""A toy model behind the protocol, with a tiny Whisper's encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import toy_mome

from antiphon.recognition.mome import checkpoint
from antiphon.recognition.mome.recognizer import MomeRecognizer


@pytest.fixture
def recognizer(listener) -> MomeRecognizer:
    config = replace(toy_mome.CONFIG, audio_width=listener.encoder.config.d_model)
    model = toy_mome.awake(toy_mome.model(config)).eval()
    return MomeRecognizer(model, listener.encoder, "toy")


@pytest.fixture
def found(monkeypatch, whisper):
    """Weights by name: the toy language model, and a tiny Whisper."""
    monkeypatch.setattr(
        "antiphon.weights.path", lambda name: Path(name) if Path(name).is_dir() else whisper
    )
    monkeypatch.setattr(checkpoint, "read_model", lambda folder: toy_mome.language_model())
    monkeypatch.setattr(checkpoint, "load_tokenizer", lambda folder: toy_mome.Bytes())
