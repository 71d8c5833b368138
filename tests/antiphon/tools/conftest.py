"""A tiny random reader, for tests of everything but what it has learned."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from antiphon.tools.blocks import Blocks
from antiphon.tools.chooser import Chooser
from antiphon.tools.reader import Reader, ReaderConfig

CONFIG = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "vocab_size": 258,
}


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def __init__(self) -> None:
        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        self.inner = Tokenizer(models.BPE({c: i + 2 for i, c in enumerate(letters)}, []))
        self.inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self.inner.decoder = decoders.ByteLevel()

    def __call__(self, text, add_special_tokens=False, return_offsets_mapping=False):
        found = self.inner.encode(text, add_special_tokens=add_special_tokens)
        return {"input_ids": found.ids, "offset_mapping": found.offsets}


@pytest.fixture
def reader() -> Reader:
    blocks = Blocks(CONFIG, 3)
    blocks.table = torch.randn(258, 16)
    config = ReaderConfig(hidden=16, depth=3, first=1, width=8, heads=2, blocks=1)
    return Reader(config, blocks, Bytes()).eval().requires_grad_(False)


@pytest.fixture
def chooser(reader) -> Chooser:
    return Chooser(reader, threshold=float("-inf"))
