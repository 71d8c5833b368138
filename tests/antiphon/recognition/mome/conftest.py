"""A toy model behind the protocol, with a tiny Whisper's encoder."""

from __future__ import annotations

from dataclasses import replace

import pytest
import toy_mome

from antiphon.recognition.mome.recognizer import MomeRecognizer


@pytest.fixture
def recognizer(listener) -> MomeRecognizer:
    config = replace(toy_mome.CONFIG, audio_width=listener.encoder.config.d_model)
    model = toy_mome.awake(toy_mome.model(config)).eval()
    return MomeRecognizer(model, listener.encoder, "toy")
