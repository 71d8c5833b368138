"""What conversations remember of what was read: rows of a batch, of which each cache is a value.

A row is filled from the left and padded on the right: what lies behind its own steps is not looked
at, so the lengths of the others do not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch

SPARE_STEPS = 128
"""Steps for which a new batch has room in each row."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Keys and values of several conversations, all layers in one tensor."""

    keys: torch.Tensor
    """[layers, rows, kv_heads, room, head]."""
    values: torch.Tensor
    """The same; the size of a head may differ."""

    @property
    def rows(self) -> int:
        """Streams of steps that it holds."""
        return self.keys.shape[1]

    @property
    def room(self) -> int:
        """Steps that a row can hold."""
        return self.keys.shape[3]

    def like(self, rows: int, room: int) -> Batch:
        """An empty batch of the same model. Zeros, since even what is not looked at is added."""
        layers, _, heads, _, _ = self.keys.shape
        keys, values = (
            kept.new_zeros(layers, rows, heads, room, kept.shape[4])
            for kept in (self.keys, self.values)
        )
        return Batch(keys, values)


class Place(NamedTuple):
    """A row's batch and its number there."""

    batch: Batch
    number: int

    def steps(self, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [layers, kv_heads, length, head] of its first steps."""
        keys, values = self.batch.keys, self.batch.values
        return keys[:, self.number, :, :length], values[:, self.number, :, :length]


@dataclass(eq=False)
class Row:
    """The memory of one stream of steps. It may move from batch to batch."""

    place: Place
    """Replaced as a whole when it moves, so that other threads see the old one or the new one."""
    filled: float
    """Steps written; infinite: nobody may append."""


@dataclass(frozen=True)
class Cache:
    """What a stream of steps remembers: a value that can be kept and gone on from again.

    The steps of one stream share a row and append to it; going on from an earlier step copies what
    it needs first.
    """

    row: Row
    length: int
    """Steps of the row that belong to this stream."""
    divisible: ClassVar[bool] = True
    """What was read of its beginnings is found in it."""

    @property
    def nbytes(self) -> int:
        """Bytes of what it remembers."""
        return sum(kept.nbytes for kept in self.row.place.steps(self.length))

    def first(self, length: int) -> Cache:
        """What its first steps remember."""
        return Cache(self.row, length)

    def sealed(self) -> Cache:
        """A copy in a batch of its own to which nobody appends, so that threads can share it."""
        keys, values = (kept[:, None].clone() for kept in self.row.place.steps(self.length))
        return Cache(Row(Place(Batch(keys, values), 0), math.inf), self.length)


def side_by_side(caches: Sequence[Cache], steps: int) -> list[Row]:
    """The rows to go on in: all rows of one batch, in its order, with room for more steps.

    If the caches are just that, nothing is copied. Else a new batch is made; rows that nobody has
    gone on from move there, of the others what is needed is copied.

    Args:
        caches: to go on from; some may share a row.
        steps: that will be written behind each of them.
    """
    rows = [cache.row for cache in caches]
    batch, longest = rows[0].place.batch, max(cache.length for cache in caches)
    if (
        len(rows) == batch.rows
        and all(row.place.batch is batch for row in rows)
        and [row.place.number for row in rows] == list(range(batch.rows))
        and all(cache.row.filled == cache.length for cache in caches)
        and longest + steps <= batch.room
    ):
        return rows
    batch, moved = batch.like(len(caches), longest + steps + SPARE_STEPS), list[Row]()
    for number, cache in enumerate(caches):
        place = Place(batch, number)
        for new, old in zip(
            place.steps(cache.length), cache.row.place.steps(cache.length), strict=True
        ):
            new.copy_(old)
        if cache.row.filled == cache.length and cache.row not in moved:
            cache.row.place = place
            moved.append(cache.row)
        else:
            moved.append(Row(place, cache.length))
    return moved
