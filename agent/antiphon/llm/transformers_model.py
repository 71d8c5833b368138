"""Any causal language model of transformers, as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from antiphon import torch_device
from antiphon.llm import chat_template, lora
from antiphon.llm.language_model import State
from antiphon.llm.tokenizer import load_tokenizer


class TransformersLanguageModel:
    """A causal language model of transformers behind the `LanguageModel` protocol.

    Args:
        llm: the model.
        tokenizer: its tokenizer.
        name: what it was loaded by.
    """

    def __init__(self, llm: Any, tokenizer: Any, name: str = "") -> None:
        self.llm, self.tokenizer, self.name = llm.eval(), tokenizer, name
        self.stop_tokens = chat_template.stop_tokens(tokenizer, llm.config.eos_token_id)
        self._table = llm.get_input_embeddings().weight.detach()
        self.embeddings: torch.Tensor = self._table.cpu()
        """[V, H] embeddings of the tokens, in the processor's memory."""

    def weights(self) -> Mapping[str, torch.Tensor]:
        """The state dict."""
        state: Mapping[str, torch.Tensor] = self.llm.state_dict()
        return state

    def start(self, tokens: Sequence[int]) -> Any:
        """A cache that has read `tokens`."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self.llm.config)
        self._states(self._table[list(tokens)], cache)
        return cache

    def keep(self, tokens: Sequence[int], cache: Any) -> None:
        """Nothing is kept: a GPU reads a prompt in milliseconds."""

    def read(self, embeddings: torch.Tensor, cache: Any) -> State:
        """Go on reading [N, H]; the cache given stays as it is."""
        cache = copy.deepcopy(cache)
        return *self._states(embeddings, cache), cache

    def write(self, token: int, cache: Any) -> State:
        """Read the token that was chosen; the cache given is used up."""
        return *self._states(self._table[[token]], cache), cache

    @torch.no_grad()
    def _states(self, embeddings: torch.Tensor, cache: Any) -> tuple[torch.Tensor, torch.Tensor]:
        seen = self.llm.get_decoder()(
            inputs_embeds=embeddings[None].to(self._table), past_key_values=cache, use_cache=True
        )
        last = seen.last_hidden_state[0, -1]
        logits = self.llm.get_output_embeddings()(last)
        return last.float().cpu(), logits.float().cpu()


def fits(config: Mapping[str, Any]) -> bool:
    """Whether transformers can run a model of this `config.json`: always."""
    return True


def load(folder: Path, corrections: Path | None, name: str) -> TransformersLanguageModel:
    """The model of a folder in bfloat16, LoRA corrections merged, on the device of the settings."""
    llm = read_model(folder, corrections).to(torch_device.chosen())
    return TransformersLanguageModel(llm, load_tokenizer(folder), name)


def read_model(folder: Path, corrections: Path | None = None) -> Any:
    """Transformers' own model of a folder in bfloat16, corrections merged, frozen."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # of something that takes a second
    llm = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).requires_grad_(False)
    if corrections is not None:
        lora.merge(llm, corrections)
    return llm.eval()
