"""A packed decoder that runs a few steps at a time; its caches are values.

Writing one token reads every weight once, so a decoder is as fast as its weights are small
(`antiphon.llm.cpu.quantized`). All layers are one graph (`antiphon.llm.cpu.decoder_graph`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from antiphon.llm.cpu.decoder_graph import DecoderShape, decoder_session
from antiphon_codecs.interruption import checkpoint

SPARE_STEPS = 64
"""Steps a new buffer has to spare."""
AT_ONCE = 8
"""Steps of one run: more are hardly faster, and cannot be interrupted."""


@dataclass
class Buffer:
    """Keys and values of all layers, with room to spare."""

    keys: torch.Tensor
    """[layers, kv_heads, room, head] float32."""
    values: torch.Tensor
    """The same."""
    filled: int
    """Steps written."""
    bound: tuple[Any, ...] = field(default=(), repr=False)
    """How a session finds this memory, and what else it needs."""


@dataclass(frozen=True)
class Cache:
    """What a stream of steps remembers: a value that can be kept and gone on from again.

    The steps of one stream share a buffer and append to it; going on from an earlier step copies
    what it needs first.
    """

    buffer: Buffer
    length: int
    """Steps of the buffer that belong to this stream."""
    divisible: ClassVar[bool] = True
    """What was read of its beginnings is found in it."""

    @property
    def nbytes(self) -> int:
        """Bytes of what it remembers."""
        return self.buffer.keys.nbytes + self.buffer.values.nbytes

    def first(self, length: int) -> Cache:
        """What its first steps remember."""
        return Cache(self.buffer, length)

    def room(self, steps: int) -> Cache:
        """The same, with room for more steps behind it that no other cache uses."""
        own = self.buffer.filled == self.length
        if own and self.length + steps <= self.buffer.keys.shape[2]:
            return self
        layers, heads, _, head = self.buffer.keys.shape
        shape = (layers, heads, self.length + steps + max(SPARE_STEPS, self.length), head)
        keys, values = torch.empty(shape), torch.empty(shape)
        keys[:, :, : self.length] = self.buffer.keys[:, :, : self.length]
        values[:, :, : self.length] = self.buffer.values[:, :, : self.length]
        return Cache(Buffer(keys, values, self.length), self.length)

    def sealed(self) -> Cache:
        """The same in a full buffer: each continuation makes a new one, so threads can share it."""
        keys, values = (
            t[:, :, : self.length].clone() for t in (self.buffer.keys, self.buffer.values)
        )
        return Cache(Buffer(keys, values, self.length), self.length)


class CpuDecoder:
    """A decoder stack over given input vectors, for inference. Threads may share it.

    Args:
        folder: of the packed weights.
        shape: of the decoder.
        threads: it computes with at most.
    """

    def __init__(self, folder: Path, shape: DecoderShape, threads: int = 1) -> None:
        self.shape = shape
        self._session, self._outputs = decoder_session(folder, shape, threads)
        self._angles = self._turned(0)

    def start(self) -> Cache:
        """The cache before the first step."""
        nothing = torch.zeros(self.shape.layers, self.shape.kv_heads, 0, self.shape.head)
        return Cache(Buffer(nothing, nothing, 0), 0)

    def step(self, x: torch.Tensor, cache: Cache) -> tuple[torch.Tensor, Cache]:
        """Run N steps.

        Args:
            x: [N, width] float32 inputs.
            cache: from `start` or the step before.

        Returns:
            [N, width] normed outputs, and the cache grown by N.
        """
        cache = cache.room(len(x))
        buffer, length = cache.buffer, cache.length
        buffer.filled = length + len(x)
        if not buffer.bound:
            buffer.bound = self._bound(buffer)
        binding = buffer.bound[0]
        x = x.contiguous()
        states = torch.empty_like(x)
        for part, out in zip(x.split(AT_ONCE), states.split(AT_ONCE), strict=True):
            checkpoint()
            length += len(part)
            counts = torch.tensor([length - 1, length], dtype=torch.int32)
            _give(binding, "x", part[None])
            _give(binding, "seen", counts[:1])
            _give(binding, "length", counts[1:])
            _take(binding, self._outputs[0], out[None])
            self._session.run_with_iobinding(binding)
        return states, Cache(buffer, length)

    def _bound(self, buffer: Buffer) -> tuple[Any, ...]:
        """A binding whose new keys and values are written behind those of the buffer."""
        binding, room = self._session.io_binding(), buffer.keys.shape[2]
        angles = self._angles
        if len(angles[0]) < room:
            self._angles = angles = self._turned(2 * room)
        for name, table in zip(("cos", "sin"), angles, strict=True):
            _give(binding, name, table[:room])
        outputs = iter(self._outputs[1:])
        for number, memory in enumerate(zip(buffer.keys, buffer.values, strict=True)):
            for name, tensor in zip(("keys", "values"), memory, strict=True):
                _give(binding, f"{name}{number}", tensor[None])
                _take(binding, next(outputs), tensor[None])
        return binding, *angles

    def _turned(self, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """[steps, head / 2] cosines and sines of the rotary angles."""
        rates = self.shape.theta ** (
            -torch.arange(0, self.shape.head, 2).double() / self.shape.head
        )
        angles = torch.arange(steps)[:, None] * rates
        return angles.cos().float(), angles.sin().float()


NUMPY = {torch.float32: np.float32, torch.int32: np.int32}


def _give(binding: Any, name: str, tensor: torch.Tensor) -> None:
    """Let an input be read from a contiguous tensor, which must outlive the run."""
    binding.bind_input(name, "cpu", 0, NUMPY[tensor.dtype], tensor.shape, tensor.data_ptr())


def _take(binding: Any, name: str, tensor: torch.Tensor) -> None:
    """Let an output be written into a contiguous tensor."""
    binding.bind_output(name, "cpu", 0, NUMPY[tensor.dtype], tensor.shape, tensor.data_ptr())
