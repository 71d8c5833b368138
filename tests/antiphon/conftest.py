"""A whole agent made of tiny random parts, for tests that need one to talk."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from antiphon.agent import Agent
from antiphon.messages import Token
from antiphon.t2c.sounds import BEGIN, END, PAUSES, SPACE
from antiphon.t2c.text_to_codec import T2CConfig, TextToCodec
from antiphon_codecs.unit.hifigan import HifiGan
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig
from antiphon_codecs.unit_language.unit_language import UnitLanguage

WIDTH, VOCABULARY, UNITS = 8, 256, 16


class Script:
    """Ears and language model that always hear and answer the same."""

    def __init__(self, heard: str = "Who are you?", reply: str = "I am a voice. Ask me!") -> None:
        self.heard, self.pieces = heard, [f" {word}" for word in reply.split()]
        self.given: list[np.ndarray] = []

    def start(self, history=()):
        self.given = []
        return self

    def feed(self, pcm):
        self.given.append(pcm)

    def transcribe(self, pcm):
        return self.heard

    def reply(self, question, history=(), max_tokens=160, cancelled=lambda: False):
        for index, piece in enumerate(self.pieces[:max_tokens]):
            yield Token(index % VOCABULARY, piece, torch.randn(WIDTH))


@pytest.fixture
def tiny_agent() -> Agent:
    """An agent that babbles a second or two."""
    sounds = tuple(sorted({BEGIN, END, SPACE, *PAUSES, "a", "b"}))
    words = [*((unit,) for unit in range(UNITS)), (0, 1), (2, 3, 4)]
    language = UnitLanguage(words, np.zeros(len(words)), UNITS)
    config = T2CConfig(WIDTH, 16, sounds, width=16, lm_layers=1, lm_heads=2, lm_inner=16)
    t2c = TextToCodec(config, language, torch.randn(VOCABULARY, WIDTH)).eval()
    with torch.no_grad():
        t2c.voice.length_head.bias[2] = 100.0  # every sound lasts three units
    codec = UnitCodec(
        UnitCodecConfig(
            codes=UNITS, width=16, hidden=16, encoder_blocks=1, decoder_blocks=2, centred_blocks=1
        )
    ).eval()
    codec.generator = HifiGan(codec.config.latent, channels=8)
    return Agent(Script(), t2c.requires_grad_(False), codec.requires_grad_(False))
