"""Writing: the language model reads a prompt, then chooses one token after another."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from antiphon.fast_llama import Cache as FastCache
from antiphon.fast_llama import FastLlama, Int8Linear


class Writer:
    """Any causal language model of transformers.

    Args:
        llm: the model.
    """

    def __init__(self, llm: Any) -> None:
        self.llm = llm

    @torch.no_grad()
    def start(self, tokens: Sequence[int]) -> Any:
        """A key-value cache that has read `tokens`."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self.llm.config)
        self._states(self.embed(tokens), cache)
        return cache

    @torch.no_grad()
    def embed(self, tokens: Sequence[int]) -> torch.Tensor:
        """[N, H] embeddings of tokens."""
        rows: torch.Tensor = self.llm.get_input_embeddings()(
            torch.tensor(list(tokens), dtype=torch.long)
        )
        return rows

    @torch.no_grad()
    def read(self, embeddings: torch.Tensor, cache: Any) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """Go on reading; what was read before stays as it is.

        Args:
            embeddings: [N, H].
            cache: from `start`.

        Returns:
            The last post-norm state [H] and its logits [V], float32, and the new cache.
        """
        cache = copy.deepcopy(cache)
        state = self._states(embeddings, cache)
        return state.float(), self.llm.get_output_embeddings()(state).float(), cache

    def write(self, token: int, cache: Any) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """Read the token that was chosen: like `read`, but the cache may be used up."""
        with torch.no_grad():
            state = self._states(self.embed([token]), cache)
            return state.float(), self.llm.get_output_embeddings()(state).float(), cache

    def _states(self, embeddings: torch.Tensor, cache: Any) -> torch.Tensor:
        decoder = self.llm.get_decoder()
        seen = decoder(inputs_embeds=embeddings[None], past_key_values=cache, use_cache=True)
        last: torch.Tensor = seen.last_hidden_state[0, -1]
        return last


class FastWriter(Writer):
    """A Llama on a CPU: reads with transformers, and writes with int8 weights.

    Args:
        llm: the model; `fits` says whether it can be taken.
    """

    def __init__(self, llm: Any) -> None:
        super().__init__(llm)
        config = llm.config
        self.steps = FastLlama(
            llm.get_decoder().state_dict(),
            config.num_attention_heads,
            config.num_key_value_heads,
            config.rope_parameters["rope_theta"],
            config.rms_norm_eps,
        )
        self.head = Int8Linear(llm.get_output_embeddings().weight.detach())

    @staticmethod
    def fits(llm: Any) -> bool:
        """Whether `llm` is a plain Llama in bfloat16 on a CPU."""
        config = llm.config
        return bool(
            config.model_type == "llama"
            and llm.dtype == torch.bfloat16
            and llm.device.type == "cpu"
            and config.rope_parameters["rope_type"] == "default"
            and not (config.attention_bias or config.mlp_bias)
            and config.hidden_size % 16 == config.intermediate_size % 16 == 0
        )

    def read(self, embeddings: torch.Tensor, cache: Any) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """As `Writer.read`; the cache returned is for `write` only."""
        state, logits, cache = super().read(embeddings, cache)
        layers = cache.layers
        return (
            state,
            logits,
            self.steps.resume(
                [layer.keys[0] for layer in layers], [layer.values[0] for layer in layers]
            ),
        )

    def write(self, token: int, cache: FastCache) -> tuple[torch.Tensor, torch.Tensor, FastCache]:
        """Read the token that was chosen."""
        states, cache = self.steps.step(self.embed([token]).float(), cache)
        return states[0], self.head(states)[0], cache


def writer(llm: Any) -> Writer:
    """The fastest writer for a language model."""
    return FastWriter(llm) if FastWriter.fits(llm) else Writer(llm)
