"""A decoder of transformers that reads the next steps of several conversations at once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache as HubCache
from transformers.cache_utils import DynamicLayer

from antiphon.llm.batching.cache import Batch, Cache, Place, Row, side_by_side

ATTENTIONS = ("sdpa", "eager")
"""Implementations that take a mask for every row."""


@dataclass(frozen=True)
class Step:
    """What a conversation reads next."""

    embeddings: torch.Tensor
    """[N, H], in the processor's memory."""
    cache: Cache
    """What it goes on from."""
    answered: bool = True
    """Whether the logits are wanted."""


@dataclass(frozen=True)
class Read:
    """What came of a step."""

    state: torch.Tensor
    """[H] float32, the last post-norm state."""
    logits: torch.Tensor | None
    """[V] float32, its logits."""
    cache: Any
    """What is remembered."""


class PaddedLayer(DynamicLayer):  # type: ignore[misc]
    """A layer's keys and values of all rows; new ones are written behind what each row holds.

    Args:
        keys: [rows, kv_heads, room, head].
        values: the same.
        held: steps in the longest row.
        where: of the new steps, rows [rows, 1] and steps [rows, N]; None: all rows are as long.
    """

    _layer_type = None  # transformers lists what has one by that name

    def __init__(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        held: int,
        where: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> None:
        super().__init__()
        self.keys, self.values, self.is_initialized = keys, values, True
        self.dtype, self.device = keys.dtype, keys.device
        self.held, self.where = held, where

    def get_seq_length(self) -> int:
        """Steps in the longest row."""
        return self.held

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write [rows, kv_heads, N, head] and give all there is, padded."""
        end = self.held + key_states.shape[2]
        for kept, new in ((self.keys, key_states), (self.values, value_states)):
            if self.where is None:
                kept[:, :, self.held : end] = new
            else:
                rows, steps = self.where
                kept[rows, :, steps] = new.transpose(1, 2)
        return self.keys[:, :, :end], self.values[:, :, :end]


class BatchedDecoder:
    """Runs the next steps of several conversations in one forward pass.

    Args:
        llm: a causal language model of transformers that `batched` allows.
        begun: what it remembers of a first step.
    """

    def __init__(self, llm: Any, begun: DynamicCache) -> None:
        self._decoder, self._head = llm.get_decoder(), llm.get_output_embeddings()
        self._dtype, self.device = llm.dtype, llm.device
        self._cache_argument = cache_argument(self._decoder)
        keys, values = (
            torch.stack([getattr(layer, name) for layer in begun.layers])
            for name in ("keys", "values")
        )
        self._nothing = Batch(keys, values).like(1, 0)

    def start(self) -> Cache:
        """The cache before the first step."""
        return Cache(Row(Place(self._nothing, 0), math.inf), 0)

    @torch.no_grad()
    def __call__(self, steps: Sequence[Step]) -> list[Read]:
        """Read the next steps of several conversations.

        Args:
            steps: one or more, of as many conversations; of any lengths, but padded to the
                longest.

        Returns:
            What came of each. If an error is raised all caches are as they were.
        """
        order = sorted(range(len(steps)), key=lambda i: _home(steps[i].cache))
        ordered = [steps[i] for i in order]
        counts = [len(step.embeddings) for step in ordered]
        lengths, most = [step.cache.length for step in ordered], max(counts)
        rows = side_by_side([step.cache for step in ordered], most)
        batch = rows[0].place.batch
        x = torch.zeros(len(rows), most, ordered[0].embeddings.shape[1], dtype=self._dtype)
        for row, step in zip(x, ordered, strict=True):
            row[: len(step.embeddings)] = step.embeddings
        positions = (torch.tensor(lengths)[:, None] + torch.arange(most)).to(self.device)
        even = len(set(lengths)) == 1  # then transformers' own mask is right
        where = None if even else (torch.arange(len(rows), device=self.device)[:, None], positions)
        layers = [
            PaddedLayer(keys, values, max(lengths), where)
            for keys, values in zip(batch.keys, batch.values, strict=True)
        ]
        seen = self._decoder(
            inputs_embeds=x.to(self.device),
            position_ids=positions,
            attention_mask=None if even else self._mask(positions, max(lengths) + most),
            use_cache=True,
            **{self._cache_argument: HubCache(layers=layers)},
        ).last_hidden_state
        last = seen[torch.arange(len(rows)), torch.tensor(counts) - 1]
        answered = [i for i, step in enumerate(ordered) if step.answered]
        logits: dict[int, torch.Tensor] = {}
        if answered:
            logits = dict(zip(answered, self._head(last[answered]).float().cpu(), strict=True))
        read: dict[int, Read] = {}
        for i, (state, row) in enumerate(zip(last.float().cpu(), rows, strict=True)):
            row.filled = lengths[i] + counts[i]
            read[order[i]] = Read(state, logits.get(i), Cache(row, lengths[i] + counts[i]))
        return [read[i] for i in range(len(steps))]

    def _mask(self, positions: torch.Tensor, length: int) -> torch.Tensor:
        """[rows, 1, N, length] that is added to the scores: a step sees those up to itself."""
        hidden = torch.arange(length, device=self.device) > positions[:, None, :, None]
        mask = torch.zeros(hidden.shape, dtype=self._dtype, device=self.device)
        return mask.masked_fill_(hidden, torch.finfo(self._dtype).min)


def batched(llm: Any) -> BatchedDecoder | None:
    """The decoder of a model for several conversations; None if their caches cannot be padded.

    They can if every layer attends to all that was read: no window that slides, no state in place
    of keys and values.
    """
    decoder = llm.get_decoder()
    attention = decoder.config._attn_implementation
    if attention not in ATTENTIONS or not decoder._supports_attention_backend:
        return None
    begun = DynamicCache(config=llm.config)
    with torch.no_grad():
        decoder(
            inputs_embeds=llm.get_input_embeddings().weight[None, :1],
            use_cache=True,
            **{cache_argument(decoder): begun},
        )
    plain = all(type(layer) is DynamicLayer and layer.is_initialized for layer in begun.layers)
    if not plain or len({(layer.keys.shape, layer.values.shape) for layer in begun.layers}) != 1:
        return None
    return BatchedDecoder(llm, begun)


def cache_argument(decoder: Any) -> str:
    """What a decoder calls its cache: transformers gave it another name in version 5."""
    known = inspect.signature(decoder.forward).parameters
    return "cache" if "cache" in known else "past_key_values"


def _home(cache: Cache) -> tuple[int, int]:
    """By which caches are sorted into the order of their batch."""
    place = cache.row.place
    return id(place.batch), place.number
