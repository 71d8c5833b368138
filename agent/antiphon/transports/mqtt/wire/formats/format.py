"""How sound may be written on the wire: one protocol, and a record for each way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LONGEST_MS = 1000
"""More sound than this in one message is not a stream."""

Samples = NDArray[np.float32]
"""[N] in [-1, 1], at the rate of the format."""


class Coder(Protocol):
    """Writes or reads one stream; a new stream or generation needs a new one."""

    def encode(self, pcm: Samples) -> bytes:
        """Writes [N] samples, whole blocks of frames."""

    def samples(self, body: bytes) -> int:
        """How many samples a body holds.

        Raises:
            MalformedError: It is none.
        """

    def decode(self, body: bytes) -> Samples:
        """Reads a body.

        Raises:
            MalformedError: It is none.
        """


@dataclass(frozen=True)
class Format:
    """A way to write sound of one rate."""

    content_type: str
    """As MQTT 5 says it."""
    number: int
    """As the header of MQTT 3.1.1 says it."""
    rate: int
    """Samples a second, as `start` counts them."""
    coder: Callable[[], Coder]
    """Begins a stream."""
    block: int = 1
    """A packet holds a multiple of so many frames."""
    tail: int = 0
    """Frames of silence behind a sound, until its end has left the coder."""


def to_pcm16(samples: Samples) -> NDArray[np.int16]:
    """[N] samples in [-1, 1] as 16 bits; what exceeds full scale is clipped."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2")


def to_float(pcm: NDArray[np.int16]) -> Samples:
    """[N] samples of 16 bits in [-1, 1]."""
    return pcm.astype(np.float32) / np.float32(32768)
