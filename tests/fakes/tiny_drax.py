"""A tiny Drax with random weights on a tiny Whisper."""

from __future__ import annotations

from pathlib import Path

import torch

from antiphon.recognition.drax.checkpoint import DraxModel
from antiphon.recognition.drax.middle import MiddleConfig
from antiphon.recognition.drax.model import DecoderConfig
from antiphon.recognition.drax.recognizer import DraxRecognizer
from antiphon.recognition.drax.vocabulary import SubVocabulary
from antiphon.recognition.whisper.transcriber import Transcriber


def tiny_drax(listener: Transcriber, whisper: Path) -> DraxRecognizer:
    """It writes bytes, seldom sensible ones."""
    torch.manual_seed(0)
    decoder = DecoderConfig(
        vocab_size=257,
        hidden_size=32,
        cond_dim=8,
        whisper_dim=16,
        n_heads=2,
        n_blocks=2,
        length=48,
        cut_positions=True,
    )
    model = DraxModel(decoder, MiddleConfig(32, 256, 32, 2)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    torch.nn.init.constant_(model.middle.spoken.weight, 0.0)
    torch.nn.init.constant_(model.middle.spoken.bias, 6.0)  # something is said
    vocabulary = SubVocabulary(whisper / "ctranslate2" / "tokenizer.json", range(256))
    return DraxRecognizer(model.requires_grad_(False), listener, vocabulary, "tiny")
