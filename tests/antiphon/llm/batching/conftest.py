"""Tiny random models of several architectures, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    Qwen2Config,
    Qwen3Config,
)

CONFIGS = {"llama": LlamaConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config}
TOKENS = 64


def tiny(config: type, **more: Any) -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": TOKENS, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "eos_token_id": 1,
        "initializer_range": 0.3,
    }  # fmt: skip
    model = AutoModelForCausalLM.from_config(config(**sizes | more), dtype=torch.float32)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="session", params=CONFIGS)
def llm(request) -> Any:
    return tiny(CONFIGS[request.param])


@pytest.fixture(scope="session")
def llama() -> Any:
    return tiny(LlamaConfig)


@pytest.fixture(scope="session")
def gemma() -> Any:
    """Half of its layers see four tokens back, and it scales its embeddings."""
    kinds = ["sliding_attention", "full_attention"]
    return tiny(Gemma3TextConfig, sliding_window=4, layer_types=kinds)


@torch.no_grad()
def alone(llm: Any, tokens: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The last state and its logits as transformers computes them without any cache."""
    ids = torch.tensor([list(tokens)])
    state = llm.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state[0, -1]
    return state, llm.get_output_embeddings()(state)
