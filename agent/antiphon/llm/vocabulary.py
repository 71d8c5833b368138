"""A language model's tokens and their embeddings, without the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.language_model import (
    LANGUAGE_MODELS,
    Vocabulary,
    from_pretrained,
    is_address,
    load,
)
from antiphon.llm.text_model import TextVocabulary
from antiphon.llm.tokenizer import load_tokenizer


@dataclass(frozen=True)
class TokenTable:
    """The vocabulary of a checkpoint."""

    name: str
    tokenizer: Any
    embeddings: torch.Tensor
    """[V, H] float32."""


def load_vocabulary(name: str) -> Vocabulary:
    """The vocabulary of a language model; of a checkpoint, nothing but its embeddings is read.

    A server is not asked for anything.

    Raises:
        UserError: There is no such model.
    """
    if is_address(name):
        return TextVocabulary(name)
    if name in LANGUAGE_MODELS and LANGUAGE_MODELS.get(name) is not load:
        return from_pretrained(name)  # what another distribution adds may have no folder
    folder = weights.path(name)
    return TokenTable(name, load_tokenizer(folder), token_embeddings(folder))


def token_embeddings(folder: Path) -> torch.Tensor:
    """[V, H] float32 token embeddings of a model's folder.

    Raises:
        UserError: The folder holds none.
    """
    from safetensors import safe_open

    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118, it is no mapping
                if name.endswith("embed_tokens.weight"):
                    return file.get_tensor(name).float()
    raise UserError(f"'{folder}' holds no token embeddings: give a causal language model.")
