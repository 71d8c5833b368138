"""Models whose caches cannot be padded: each conversation is computed by itself.

Windows that slide forget, and states of recurrent layers hold all in one: neither can be cut.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from transformers import DynamicCache

from antiphon.llm.batching.decoder import Read, cache_argument
from antiphon_codecs.interruption import checkpoint


@dataclass(frozen=True)
class UndividedCache:
    """What transformers remembers, as it is."""

    memory: DynamicCache
    divisible: ClassVar[bool] = False
    """Nothing is kept of what was read of its beginnings."""

    @property
    def nbytes(self) -> int:
        """Bytes of what it remembers."""
        tensors = [value for layer in self.memory.layers for value in vars(layer).values()]
        return sum(value.nbytes for value in tensors if isinstance(value, torch.Tensor))

    def first(self, length: int) -> UndividedCache:
        """The whole."""
        return self

    def sealed(self) -> UndividedCache:
        """A copy."""
        return UndividedCache(copy.deepcopy(self.memory))


class UndividedDecoder:
    """Runs the steps of one conversation at a time.

    Args:
        llm: any causal language model of transformers.
    """

    def __init__(self, llm: Any) -> None:
        self._llm, self._decoder = llm, llm.get_decoder()
        self._head = llm.get_output_embeddings()
        self._cache_argument = cache_argument(self._decoder)

    def start(self) -> UndividedCache:
        """The cache before the first step."""
        return UndividedCache(DynamicCache(config=self._llm.config))

    def read(
        self, embeddings: torch.Tensor, cache: UndividedCache, *, answered: bool = True
    ) -> Read:
        """Go on reading [N, H]; the cache given stays as it is."""
        return self.write(embeddings, cache.sealed(), answered=answered)

    @torch.no_grad()
    def write(
        self, embedding: torch.Tensor, cache: UndividedCache, *, answered: bool = True
    ) -> Read:
        """The same for the token [1, H] that was chosen; the cache given is used up."""
        checkpoint()
        seen = self._decoder(
            inputs_embeds=embedding[None].to(self._llm.device, self._llm.dtype),
            use_cache=True,
            **{self._cache_argument: cache.memory},
        )
        last = seen.last_hidden_state[0, -1]
        logits = self._head(last).float().cpu() if answered else None
        return Read(last.float().cpu(), logits, cache)
