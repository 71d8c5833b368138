"""How sound may be written on the wire, and which way two ends agree upon.

PCM is known to everybody. Opus and EnCodec are written only where both ends have them: the robot
names what it has in its hello, what it likes best first, and the state names what was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.transports.mqtt.errors import MalformedError

LONGEST_MS = 1000
"""More sound than this in one message is not a stream."""
BETWEEN = ", "
"""Stands between the formats of a hello."""

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


class Pcm:
    """16 bits a sample, little-endian.

    Args:
        rate: samples a second.
    """

    def __init__(self, rate: int) -> None:
        self._most = rate * LONGEST_MS // 1000

    def encode(self, pcm: Samples) -> bytes:
        """See `Coder`."""
        return to_pcm16(pcm).tobytes()

    def samples(self, body: bytes) -> int:
        """See `Coder`."""
        samples, rest = divmod(len(body), 2)
        if rest or not 0 < samples <= self._most:
            raise MalformedError(f"{len(body)} bytes are no sound of up to {LONGEST_MS} ms")
        return samples

    def decode(self, body: bytes) -> Samples:
        """See `Coder`."""
        return to_float(np.frombuffer(body, "<i2", count=self.samples(body)))


def pcm(rate: int) -> Format:
    """What everybody knows."""
    return Format(f"audio/pcm;rate={rate};channels=1;encoding=s16le", 0, rate, lambda: Pcm(rate))


@dataclass(frozen=True)
class Formats:
    """What one end has, what it likes best first."""

    up: Sequence[Format]
    """For the microphone."""
    down: Sequence[Format]
    """For the voice."""


def have(
    up: int, down: int, *, opus: Literal["yes", "no", "if there"], encodec: Path | None = None
) -> Formats:
    """What this machine has.

    Args:
        up: samples a second of the microphone.
        down: samples a second of the voice.
        opus: whether to offer it.
        encodec: folder of EnCodec's weights, to offer it, too.

    Raises:
        UserError: What is wanted is not installed.
    """
    kinds: list[Callable[[int], Format]] = [pcm]
    if opus != "no":
        try:
            from antiphon.transports.mqtt import opus as library

            kinds.insert(0, library.load())
        except UserError:
            if opus == "yes":
                raise
    if encodec is not None:
        from antiphon.transports.mqtt import encodec as codec

        kinds.insert(0, codec.load(encodec))
    return Formats([kind(up) for kind in kinds], [kind(down) for kind in kinds])


def named(formats: Iterable[Format]) -> str:
    """Formats as a hello names them."""
    return BETWEEN.join(each.content_type for each in formats)


def agree(wanted: str, offered: Iterable[Format]) -> Format | None:
    """The first of what is wanted that is offered.

    Args:
        wanted: as a hello names it.
        offered: by the one who chooses.
    """
    known = {each.content_type: each for each in offered}
    return next((known[name] for name in wanted.split(BETWEEN) if name in known), None)
