"""Tiny random parts under the names and files of the real ones, and a whole agent of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_llm import byte_tokenizer, chat_tokenizer, llama
from transformers import PreTrainedTokenizerFast, WhisperModel
from transformers import WhisperConfig as HubConfig

from antiphon.agent import Agent
from antiphon.llm.transformers_model import TransformersLanguageModel
from antiphon.messages import Token
from antiphon.recognition.whisper.recognizer import WhisperRecognizer
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.s2t.direct import DirectEncoder
from antiphon.s2t.question_encoder import Question
from antiphon.s2t.readings import AdapterReadings
from antiphon.s2t.speech_to_text import SpeechToText
from antiphon.t2c.phonemes import BEGIN, END, PAUSES, SPACE
from antiphon.t2c.text_to_codec import T2CConfig, TextToCodec
from antiphon.t2c.voice import EchoVoice
from antiphon.training.adapter_warm_start import warm_start
from antiphon_codecs.unit.hifigan import HifiGan
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig
from antiphon_codecs.unit_language.unit_language import UnitLanguage

WIDTH, VOCABULARY, UNITS = 8, 256, 16


class Script:
    """Ears and language model that always hear and answer the same."""

    def __init__(self, heard: str = "Who are you?", reply: str = "I am a voice. Ask me!") -> None:
        self.heard, self.pieces = heard, [f" {word}" for word in reply.split()]
        self.given: list[np.ndarray] = []
        self.finished = 0

    def prompt(self, history=()):
        return [], []

    def start(self, history=()):
        self.given, self.finished = [], 0
        return self

    def feed(self, pcm):
        self.given.append(pcm)
        self.question: Question | None = None

    def hear(self, pcm, history=()):
        self.start(history).feed(pcm)
        return self

    def finish(self):
        if self.question is None:  # what has been heard is not heard again
            self.finished += 1
            self.question = Question(self.heard, None)
        return self.question

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
    script: Any = Script()
    return Agent(script, EchoVoice(t2c.requires_grad_(False), codec.requires_grad_(False)))


@pytest.fixture(scope="session")
def hub_whisper():
    torch.manual_seed(1)
    config = HubConfig(
        vocab_size=51_864,
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        init_std=0.3,
    )
    return WhisperModel(config).eval()


@pytest.fixture(scope="session")
def whisper(hub_whisper, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whisper")
    hub_whisper.save_pretrained(folder)
    (folder / "ctranslate2").mkdir()
    marks = {"alignment_heads": [[0, 1], [1, 0]], "suppress_ids": [-1, 1, 2]}
    (folder / "ctranslate2" / "config.json").write_text(json.dumps(marks))
    byte_tokenizer().save(str(folder / "ctranslate2" / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def listener(whisper) -> Transcriber:
    return Transcriber.load(whisper)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return chat_tokenizer()


@pytest.fixture(scope="session")
def llm():
    return llama(2, eos_token_id=256, initializer_range=0.3)


@pytest.fixture(scope="session")
def adapter(listener, tokenizer):
    torch.manual_seed(3)
    tokens = torch.tensor([-1, *range(0, 256, 2)])
    return warm_start(listener, tokenizer, tokens, 32, 2, 1).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def model(listener, adapter, tokenizer, llm) -> SpeechToText:
    language_model = TransformersLanguageModel(llm, tokenizer)
    recognizer = WhisperRecognizer(listener)
    readings = AdapterReadings(adapter, tokenizer, language_model.embeddings)
    encoder = DirectEncoder(recognizer, readings, tokenizer, language_model.embeddings)
    return SpeechToText(language_model, encoder)


@pytest.fixture
def speech() -> np.ndarray:
    rng = np.random.default_rng(0)
    time = np.arange(25_333) / 16_000
    tone = np.sin(2 * np.pi * 180 * time * (1 + 0.3 * np.sin(5 * time)))
    return (0.3 * tone + 0.02 * rng.standard_normal(len(time))).astype(np.float32)
