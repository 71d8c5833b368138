"""Writing: the language model reads a prompt, then chooses one token after another."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

State = tuple[torch.Tensor, torch.Tensor, Any]
"""The last post-norm state [H], its logits [V], both float32, and the cache to go on from."""


class LanguageModel(Protocol):
    """A language model for one stream at a time."""

    @property
    def table(self) -> torch.Tensor:
        """[V, H] embeddings of the tokens."""

    def weights(self) -> Mapping[str, torch.Tensor]:
        """Everything the model knows."""

    def start(self, tokens: Sequence[int]) -> Any:
        """A cache that has read `tokens`."""

    def read(self, embeddings: torch.Tensor, cache: Any) -> State:
        """Go on reading [N, H]; the cache given stays as it is."""

    def write(self, token: int, cache: Any) -> State:
        """Read the token that was chosen; the cache given is used up."""


class TransformersLanguageModel:
    """Any causal language model of transformers.

    Args:
        llm: the model.
    """

    def __init__(self, llm: Any) -> None:
        self.llm = llm.eval()

    @property
    def table(self) -> torch.Tensor:
        """[V, H] embeddings of the tokens."""
        rows: torch.Tensor = self.llm.get_input_embeddings().weight.detach()
        return rows

    def weights(self) -> Mapping[str, torch.Tensor]:
        """The state dict."""
        state: Mapping[str, torch.Tensor] = self.llm.state_dict()
        return state

    def start(self, tokens: Sequence[int]) -> Any:
        """A cache that has read `tokens`."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self.llm.config)
        self._states(self.table[list(tokens)], cache)
        return cache

    def read(self, embeddings: torch.Tensor, cache: Any) -> State:
        """Go on reading [N, H]; the cache given stays as it is."""
        cache = copy.deepcopy(cache)
        return *self._states(embeddings, cache), cache

    def write(self, token: int, cache: Any) -> State:
        """Read the token that was chosen; the cache given is used up."""
        return *self._states(self.table[[token]], cache), cache

    @torch.no_grad()
    def _states(self, embeddings: torch.Tensor, cache: Any) -> tuple[torch.Tensor, torch.Tensor]:
        seen = self.llm.get_decoder()(
            inputs_embeds=embeddings[None], past_key_values=cache, use_cache=True
        )
        last = seen.last_hidden_state[0, -1]
        return last.float(), self.llm.get_output_embeddings()(last).float()
