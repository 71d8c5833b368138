"""A small sentence encoder: BERT as all-MiniLM-L6-v2 has it, for many short texts at once.

Layers are named as in a Llama, so that `antiphon.llm.lora` finds them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from antiphon.compute.precision import fast_bfloat16

NAME = "minilm-l6"
"""The encoder whose vectors tell how alike two sentences are, whatever words they have."""
KEPT = 10_000
"""Sentences of which vectors are remembered."""
MAX_TOKENS = 500
"""Tokens of a text that are read; the encoder has places for 512."""
RENAMED = (
    ("encoder.layer.", "layers."),
    ("attention.self.query", "q_proj"),
    ("attention.self.key", "k_proj"),
    ("attention.self.value", "v_proj"),
    ("attention.output.dense", "o_proj"),
    ("attention.output.LayerNorm", "after_attention"),
    ("intermediate.dense", "up_proj"),
    ("output.dense", "down_proj"),
    ("output.LayerNorm", "after_feed"),
    ("embeddings.LayerNorm", "enter"),
    ("embeddings.word_embeddings.weight", "words"),
    ("embeddings.position_embeddings.weight", "places"),
    ("embeddings.token_type_embeddings.weight", "kinds"),
)
"""Names of transformers' BertModel, and ours."""


class Layer(nn.Module):
    """Self-attention both ways, then a feed-forward net, each added and normed."""

    def __init__(self, width: int, inner: int, heads: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.o_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.up_proj, self.down_proj = nn.Linear(width, inner), nn.Linear(inner, width)
        self.after_attention = nn.LayerNorm(width, eps)
        self.after_feed = nn.LayerNorm(width, eps)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """[B, T, H] to the same shape; `mask` [B, T] is True where there is a token."""
        q, k, v = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        x = self.after_attention(x + self.o_proj(seen.transpose(1, 2).flatten(2)))
        out: torch.Tensor = self.after_feed(x + self.down_proj(F.gelu(self.up_proj(x))))
        return out


class SentenceEncoder(nn.Module):
    """Tokens to states.

    Args:
        config: of the encoder, as transformers keeps it.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.width: int = config["hidden_size"]
        eps = config["layer_norm_eps"]
        self.words = nn.Parameter(torch.zeros(config["vocab_size"], self.width))
        self.places = nn.Parameter(torch.zeros(config["max_position_embeddings"], self.width))
        self.kinds = nn.Parameter(torch.zeros(config["type_vocab_size"], self.width))
        self.enter = nn.LayerNorm(self.width, eps)
        inner, heads = config["intermediate_size"], config["num_attention_heads"]
        self.layers = nn.ModuleList(
            Layer(self.width, inner, heads, eps) for _ in range(config["num_hidden_layers"])
        )

    @classmethod
    def load(cls, folder: Path) -> SentenceEncoder:
        """From a folder as transformers keeps a BertModel; frozen, bfloat16 where that is fast."""
        from safetensors.torch import load_file

        config = json.loads((folder / "config.json").read_text("utf-8"))
        with torch.device("meta"):
            encoder = cls(config)
        state, kind = {}, torch.bfloat16 if fast_bfloat16() else torch.float32
        for name, value in load_file(folder / "model.safetensors").items():
            for theirs, own in RENAMED:
                name = re.sub(rf"(^|\.){re.escape(theirs)}", rf"\g<1>{own}", name)
            state[name] = value.to(kind)
        own_names = encoder.state_dict().keys()
        found = {name: value for name, value in state.items() if name in own_names}
        encoder.load_state_dict(found, assign=True)
        return encoder.requires_grad_(False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """States [B, T, H] of tokens [B, T]; `mask` is True where there is one."""
        x = self.enter(self.words[ids] + self.places[: ids.shape[1]] + self.kinds[0])
        for layer in self.layers:
            x = layer(x, mask)
        return x


def load_tokenizer(folder: Path) -> Any:
    """The encoder's tokenizer, which gives texts as long as they are."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def sentence_vectors(folder: Path) -> Callable[[str], torch.Tensor]:
    """From a sentence to its vector [H] of length 1, the mean of its states.

    Args:
        folder: of the encoder.
    """
    encoder, tokenizer = SentenceEncoder.load(folder), load_tokenizer(folder)

    @lru_cache(KEPT)
    @torch.no_grad()
    def vector(text: str) -> torch.Tensor:
        ids = torch.tensor([tokenizer.encode(text).ids[:MAX_TOKENS]])
        states = encoder(ids, torch.ones_like(ids, dtype=torch.bool))
        return F.normalize(states[0].float().mean(0), dim=0)

    return vector
