"""A toy language for MoME: states that spell letters, and a language model of two layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from tiny_llm import byte_tokenizer, llama

from antiphon.recognition.mome.adapters import AdapterConfig
from antiphon.recognition.mome.experts import MixtureConfig
from antiphon.recognition.mome.model import MomeConfig, MomeModel
from antiphon.training.corpora.hearing.recognition import Clip

LETTERS = "abcdefgh"
WIDTH = 16
"""Of an encoder state."""
ADAPTER = AdapterConfig(mixture=MixtureConfig(routed=5, shared=1, top_k=2, bottleneck=3))
CONFIG = MomeConfig(
    "toy", "toy-whisper", (1, 2, 4), ADAPTER, WIDTH, context_blocks=1, context_reach=1,
    projector_width=32, prompt=":",
)  # fmt: skip


class Bytes:
    """A tokenizer of bytes with an end mark."""

    eos_token_id = 257

    def __init__(self) -> None:
        self.inner = byte_tokenizer()

    def __call__(
        self, text: str, add_special_tokens: bool = True, return_offsets_mapping: bool = False
    ) -> dict[str, Any]:
        assert not add_special_tokens
        found = self.inner.encode(text)
        return {"input_ids": found.ids, "offset_mapping": found.offsets}

    def decode(self, ids: list[int]) -> str:
        return self.inner.decode([i for i in ids if i < 256])


def language_model() -> Any:
    return llama(2, bos_token_id=256, eos_token_id=257, initializer_range=0.1)


def model(config: MomeConfig = CONFIG, **changes: Any) -> MomeModel:
    llm = language_model()
    torch.manual_seed(0)
    return MomeModel(llm, Bytes(), replace(config, **changes))


def awake(found: MomeModel) -> MomeModel:
    """A model whose adapters do something."""
    torch.manual_seed(1)
    with torch.no_grad():
        for value in found.adapters.parameters():
            value.add_(0.3 * torch.randn_like(value))
    return found


def clip(seed: int, noise: float = 0.05) -> Clip:
    """A word of letters, each of which is eight frames of its own kind."""
    generator = torch.Generator().manual_seed(seed)
    count = int(torch.randint(2, 5, (1,), generator=generator))
    ids = torch.randint(len(LETTERS), (count,), generator=generator).tolist()
    frames = torch.stack([torch.eye(WIDTH)[i] for i in ids]).repeat_interleave(8, 0)
    noisy = frames + noise * torch.randn(frames.shape, generator=generator)
    return Clip(noisy.half(), "".join(LETTERS[i] for i in ids))
