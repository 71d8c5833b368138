"""Small models to train."""

from __future__ import annotations

import pytest
from tiny_llm import llama
from tiny_t2c import tiny_model


@pytest.fixture
def model():
    return tiny_model()


@pytest.fixture
def llm():
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    return llama(0, tie_word_embeddings=False, **sizes).requires_grad_(False)
