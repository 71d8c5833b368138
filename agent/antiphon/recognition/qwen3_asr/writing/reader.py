"""A language model that reads several texts at once, and who goes on with them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from antiphon_codecs.interruption import checkpoint

Scores = NDArray[np.float32]
"""[B, vocabulary] log probabilities of what comes after each text."""
KeyValues = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""Keys and values [1, heads, N, d] of a text, a pair a layer; empty before the first token."""


@dataclass(frozen=True)
class Written:
    """Tokens of an answer."""

    tokens: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()


NOTHING = Written()


@dataclass(frozen=True)
class Step:
    """What is read next: some of the texts of an answer, any of them several times."""

    rows: Sequence[int]
    tokens: Sequence[int]
    """One behind each."""


Writing = Generator[Step, Scores, Written]
"""Whoever writes an answer: asks for steps, is sent the scores that follow."""


def remembered(known: KeyValues) -> Any:
    """A cache of transformers that goes on from keys and values, which stay as they are."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(known):
        cache.update(keys, values, layer)
    return cache


class Reader:
    """A language model that has read so much.

    Args:
        model: transformers' Qwen3ASRForConditionalGeneration.
        known: what it remembers already.
    """

    def __init__(self, model: Any, known: KeyValues = ()) -> None:
        self.model, self.cache = model, remembered(known)
        self._seen: torch.Tensor | None = None  # [B, N] 0 in front of shorter texts

    @classmethod
    def of_all(cls, readers: Sequence[Reader]) -> Reader:
        """One that goes on with the texts of several, in their order."""
        if len(readers) == 1:
            return readers[0]
        model, caches = readers[0].model, [each.cache for each in readers]
        lengths = torch.tensor([each.get_seq_length() for each in caches])
        longest = int(lengths.max())

        def beside(parts: Sequence[torch.Tensor]) -> torch.Tensor:
            return torch.cat([F.pad(part, (0, 0, longest - part.shape[2], 0)) for part in parts])

        known = tuple(
            (beside([each.keys for each in same]), beside([each.values for each in same]))
            for same in zip(*(cache.layers for cache in caches), strict=True)
        )
        found = cls(model, known)
        seen = torch.arange(longest) >= longest - lengths[:, None]
        found._seen = seen.long().to(model.device)
        return found

    def read(self, embedded: torch.Tensor) -> Scores:
        """The scores after more of each text [B, N, width]."""
        where = {}
        if self._seen is not None:
            more = self._seen.new_ones(embedded.shape[:2])
            self._seen = torch.cat([self._seen, more], 1)
            at = self._seen.cumsum(1)[:, -embedded.shape[1] :] - 1
            where = {"attention_mask": self._seen, "position_ids": at}
        out = self.model.model.language_model(
            inputs_embeds=embedded, cache=self.cache, use_cache=True, **where
        )
        self.cache = out.cache
        scores = self.model.lm_head(out.last_hidden_state[:, -1]).float().log_softmax(-1)
        found: Scores = scores.cpu().numpy()
        return found

    def say(self, tokens: Sequence[int]) -> Scores:
        """The same after a token of each text."""
        ids = torch.tensor(tokens, device=self.model.device)[:, None]
        return self.read(self.model.get_input_embeddings()(ids))

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with some of the texts, any of them several times."""
        at = torch.tensor(rows)
        for layer in self.cache.layers:
            layer.keys, layer.values = layer.keys[at], layer.values[at]
        if self._seen is not None:
            self._seen = self._seen[at]


def together(reader: Reader, writings: Sequence[Writing]) -> list[Written]:
    """The answers of all: each step of the model reads what any of them wants.

    Args:
        reader: of a text each, and nothing of what they write.
        writings: that have been sent nothing yet.
    """
    done: dict[int, Written] = {}
    asked: dict[int, Step] = {}
    counts = [1] * len(writings)

    def send(i: int, scores: Scores | None) -> None:
        try:
            asked[i] = next(writings[i]) if scores is None else writings[i].send(scores)
        except StopIteration as end:
            done[i] = end.value

    for i in range(len(writings)):
        send(i, None)
    while asked:
        checkpoint()
        steps, asked = asked, {}
        firsts = np.cumsum([0, *counts]).tolist()
        rows = [firsts[i] + row for i, step in steps.items() for row in step.rows]
        if rows != list(range(firsts[-1])):
            reader.keep(rows)
        scores = reader.say([token for step in steps.values() for token in step.tokens])
        counts = [len(steps[i].rows) if i in steps else 0 for i in range(len(writings))]
        ends = np.cumsum([counts[i] for i in steps])[:-1]
        for i, own in zip(steps, np.split(scores, ends), strict=True):
            send(i, own)
    return [done[i] for i in range(len(writings))]
