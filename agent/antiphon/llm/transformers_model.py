"""Any causal language model of transformers, as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from antiphon.compute import torch_device
from antiphon.llm import chat_template, lora
from antiphon.llm.language_model import State
from antiphon.llm.prefix_cache import PrefixCache
from antiphon.llm.tokenizer import load_tokenizer

AT_ONCE = {"cpu": 32}
"""Tokens that a kind of device reads at once; more are hardly faster there, and others wait."""
AT_ONCE_ELSEWHERE = 256


class TransformersLanguageModel:
    """A causal language model of transformers behind the `LanguageModel` protocol.

    Conversations that compute at the same time, in threads of their own, are read together
    (`antiphon.llm.batching`), as far as the model's architecture allows.

    Args:
        llm: the model.
        tokenizer: its tokenizer.
        name: what it was loaded by.
        batch: whether conversations may be read together.
    """

    def __init__(self, llm: Any, tokenizer: Any, name: str = "", *, batch: bool = True) -> None:
        from antiphon.llm.batching.decoder import batched
        from antiphon.llm.batching.scheduler import Scheduler
        from antiphon.llm.batching.undivided import UndividedDecoder

        self.llm, self.tokenizer, self.name = llm.eval(), tokenizer, name
        self.stop_tokens = chat_template.stop_tokens(tokenizer, llm.config.eos_token_id)
        self.embeddings = embeddings_of(llm)
        """[V, H] embeddings of the tokens, in the processor's memory."""
        decoder = batched(llm) if batch else None
        at_once = AT_ONCE.get(llm.device.type, AT_ONCE_ELSEWHERE)
        self._decoder: Any = Scheduler(decoder, at_once) if decoder else UndividedDecoder(llm)
        self._prompts = PrefixCache[Any]()

    def weights(self) -> Mapping[str, torch.Tensor]:
        """The state dict."""
        state: Mapping[str, torch.Tensor] = self.llm.state_dict()
        return state

    def start(self, tokens: Sequence[int]) -> Any:
        """A cache that has read `tokens`; what other prompts began with is not read again."""
        known, cache = self._prompts.longest(tokens)
        if cache is None:
            cache = self._decoder.start()
        if known < len(tokens):
            rest = self.embeddings[list(tokens[known:])]
            cache = self._decoder.read(rest, cache, answered=False).cache
            cache = self._prompts.keep(tokens, cache)
        return cache

    def keep(self, tokens: Sequence[int], cache: Any) -> None:
        """Let `start` go on from a cache that has read `tokens`."""
        self._prompts.keep(tokens, cache)

    def read(self, embeddings: torch.Tensor, cache: Any) -> State:
        """Go on reading [N, H]; the cache given stays as it is.

        Raises:
            ValueError: There is nothing to read, or it is none of this model's embeddings.
        """
        if not len(embeddings) or embeddings.shape[1:] != self.embeddings.shape[1:]:
            raise ValueError(
                f"Embeddings {list(embeddings.shape)} cannot be read by a model of width "
                f"{self.embeddings.shape[1]}."
            )
        read = self._decoder.read(embeddings, cache)
        return read.state, read.logits, read.cache

    def write(self, token: int, cache: Any) -> State:
        """Read the token that was chosen; the cache given is used up."""
        read = self._decoder.write(self.embeddings[[token]], cache)
        return read.state, read.logits, read.cache


@torch.no_grad()
def embeddings_of(llm: Any) -> torch.Tensor:
    """[V, H] what a model reads for each of its tokens, in the processor's memory."""
    table: torch.nn.Embedding = llm.get_input_embeddings()
    if type(table) is torch.nn.Embedding:
        return table.weight.detach().cpu()
    # Some scale what they look up.
    scaled: torch.Tensor = table(torch.arange(table.num_embeddings, device=table.weight.device))
    return scaled.cpu()


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
