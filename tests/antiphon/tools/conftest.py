"""A tiny random reader, for tests of everything but what it has learned."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from antiphon.llm.sentence_encoder import SentenceEncoder
from antiphon.tools.encoder_chooser import EncoderChooser
from antiphon.tools.matcher import Matcher, MatcherConfig

CONFIG = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "layer_norm_eps": 1e-5,
    "max_position_embeddings": 512,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "type_vocab_size": 2,
    "vocab_size": 256,
}


def letters() -> Tokenizer:
    """A tokenizer whose tokens are letters."""
    signs = {chr(i): i for i in range(256)}
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, **signs}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return tokenizer


def tiny() -> Matcher:
    """A reader that has learned nothing."""
    torch.manual_seed(0)
    encoder = SentenceEncoder(CONFIG)
    for table in (encoder.words, encoder.places, encoder.kinds):
        torch.nn.init.normal_(table)
    reader = Matcher(MatcherConfig(width=8, heads=2, blocks=1), encoder, letters())
    reader.others = reader.read(["who are you", "i like rain"]).whole.detach()
    return reader.eval().requires_grad_(False)


@pytest.fixture
def reader() -> Matcher:
    return tiny()


@pytest.fixture
def chooser(reader) -> EncoderChooser:
    return EncoderChooser(reader, threshold=float("-inf"))
