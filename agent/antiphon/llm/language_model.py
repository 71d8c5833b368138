"""Language models: one protocol, and the way from a name to a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from antiphon import weights
from antiphon.compute import torch_device
from antiphon.registry import Registry

if TYPE_CHECKING:
    from antiphon.llm.text_model import TextModel

State = tuple[torch.Tensor, torch.Tensor, Any]
"""The last post-norm state [H], its logits [V], both float32, and the cache to go on from."""


class Vocabulary(Protocol):
    """The tokens of a language model: all that a voice shares with it."""

    @property
    def name(self) -> str:
        """What `from_pretrained` was given."""

    @property
    def tokenizer(self) -> Any:
        """Called as transformers' tokenizers are."""

    @property
    def embeddings(self) -> torch.Tensor:
        """[V, H] embeddings of the tokens."""


class LanguageModel(Vocabulary, Protocol):
    """A causal language model. Holds weights only; what it has read is a cache, a value."""

    @property
    def stop_tokens(self) -> frozenset[int]:
        """Tokens that end a reply."""

    def weights(self) -> Mapping[str, torch.Tensor]:
        """Its tensors by name; they say whether two models are the same."""

    def start(self, tokens: Sequence[int]) -> Any:
        """A cache that has read `tokens`."""

    def keep(self, tokens: Sequence[int], cache: Any) -> None:
        """Let `start` go on from a cache that has read `tokens`, once nobody else does."""

    def read(self, embeddings: torch.Tensor, cache: Any) -> State:
        """Go on reading [N, H]; the cache given stays as it is."""

    def write(self, token: int, cache: Any) -> State:
        """Read the token that was chosen; the cache given is used up."""


class Loader(Protocol):
    """Loads a language model."""

    def __call__(self, name: str, corrections: Path | None) -> LanguageModel | TextModel:
        """The model of that name, with LoRA corrections merged if there are any."""


LANGUAGE_MODELS: Registry[Loader] = Registry(
    "language model",
    "antiphon.language_models",
    lambda: dict.fromkeys(weights.named("language model"), "antiphon.llm.language_model:load"),
)
"""Language models by name. Folders and hub ids need no entry."""

BACKENDS = ("antiphon.llm.cpu.model", "antiphon.llm.transformers_model")
"""Modules with `fits(config)` and `load(folder, corrections, name)`; the first that fits is taken,
on a GPU the last."""


@dataclass(frozen=True)
class LanguageModelConfig:
    """What a model's `config.json` says that any backend needs."""

    model_type: str
    hidden_size: int
    eos_token_id: int | list[int] | None = None

    @classmethod
    def read(cls, folder: Path) -> LanguageModelConfig:
        """The configuration in a model's folder.

        Raises:
            UserError: It is missing, or is not that of a language model.
        """
        return weights.read_config(folder, cls)


def from_pretrained(name: str, corrections: Path | None = None) -> LanguageModel | TextModel:
    """A language model.

    Args:
        name: a registered name, a folder in transformers' layout, a model hub id, or the address
            of a server.
        corrections: LoRA to merge.

    Raises:
        UserError: There is no such model, or it cannot be fetched or reached.
    """
    if is_address(name):
        from antiphon.llm.server import server_model

        return server_model.load(name, corrections)
    loader = LANGUAGE_MODELS.get(name) if name in LANGUAGE_MODELS else load
    return loader(name, corrections)


def is_address(name: str) -> bool:
    """Whether a name is the address of a server."""
    return name.startswith(("http://", "https://"))


def load(name: str, corrections: Path | None) -> LanguageModel:
    """The model of a catalogue name, folder or hub id, by the first backend that takes it."""
    from importlib import import_module

    folder = weights.path(name)
    LanguageModelConfig.read(folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    processor = torch_device.chosen().type == "cpu"
    for backend in map(import_module, BACKENDS if processor else BACKENDS[-1:]):
        if backend.fits(config):
            model: LanguageModel = backend.load(folder, corrections, name)
            return model
    raise AssertionError("transformers takes every model")
