"""EnCodec: 6 kbit/s, where both ends have PyTorch and the same weights.

One message holds the units of whole blocks of 40 ms (three frames of EnCodec), frame by frame, each
of them [codebooks] numbers of as many bits as the codebooks need, the highest bit first.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from antiphon.errors import UserError
from antiphon.runtime.frames import played
from antiphon.transports.mqtt.wire.formats.block_resampler import BlockResampler
from antiphon.transports.mqtt.wire.formats.format import LONGEST_MS, Format, Samples
from antiphon.transports.mqtt.wire.malformed import MalformedError

if TYPE_CHECKING:
    from antiphon_codecs.encodec.encodec_codec import EncodecCodec
    from antiphon_codecs.encodec.stream import StreamDecoder, StreamEncoder

BLOCK_FRAMES = 2
"""Frames of 20 ms: the shortest time that is whole in both countings."""


class Encodec:
    """A stream of EnCodec's units.

    Args:
        codec: on shared weights.
        rate: samples a second of the sound.
    """

    def __init__(self, codec: EncodecCodec, rate: int) -> None:
        self._codec = codec
        self._frame, self._inner = played(rate), played(codec.sample_rate)
        self._units = BLOCK_FRAMES * self._inner // codec.samples_per_unit
        self._bits = (codec.n_units - 1).bit_length()
        self._listener: StreamEncoder | None = None
        self._speaker: StreamDecoder | None = None
        self._there = BlockResampler(self._frame, self._inner)
        self._back = BlockResampler(self._inner, self._frame)

    def encode(self, pcm: Samples) -> bytes:
        """See `Coder`."""
        from antiphon_codecs.encodec.stream import StreamEncoder

        self._listener = self._listener or StreamEncoder(self._codec)
        units = self._listener(self._there(pcm))
        bits = units.T.reshape(-1, 1) >> np.arange(self._bits)[::-1] & 1
        return np.packbits(bits.astype(bool)).tobytes()

    def samples(self, body: bytes) -> int:
        """See `Coder`."""
        blocks = self._blocks(body)
        return blocks * BLOCK_FRAMES * self._frame

    def decode(self, body: bytes) -> Samples:
        """See `Coder`."""
        from antiphon_codecs.encodec.stream import StreamDecoder

        count = self._blocks(body) * self._units * self._codec.codebooks
        bits = np.unpackbits(np.frombuffer(body, np.uint8), count=count * self._bits)
        numbers = bits.reshape(count, self._bits) @ (1 << np.arange(self._bits)[::-1])
        if numbers.max() >= self._codec.n_units:
            raise MalformedError("a unit is outside of its codebook")
        self._speaker = self._speaker or StreamDecoder(self._codec)
        return self._back(self._speaker(numbers.reshape(-1, self._codec.codebooks).T))

    def _blocks(self, body: bytes) -> int:
        bits = self._units * self._codec.codebooks * self._bits
        blocks = 8 * len(body) // bits
        most = LONGEST_MS // played(1000) // BLOCK_FRAMES
        if not 0 < blocks <= most or len(body) != -(-blocks * bits // 8):
            raise MalformedError(f"{len(body)} bytes are no whole number of EnCodec's blocks")
        return blocks


def load(folder: Path) -> Callable[[int], Format]:
    """What makes the format of a rate.

    Args:
        folder: of the model, with config.json and model.safetensors.

    Raises:
        UserError: There is no such model, or no PyTorch.
    """
    try:
        from antiphon_codecs.encodec.encodec_codec import EncodecCodec
    except ImportError as error:
        raise UserError(
            "EnCodec needs PyTorch here, too: install antiphon instead of antiphon-robot."
        ) from error
    return formats(EncodecCodec.load(folder))


def formats(codec: EncodecCodec) -> Callable[[int], Format]:
    """What makes the format of a rate, of a loaded model.

    The content type names the weights by a checksum of their codebooks, so that ends with
    different ones do not take each other's units.

    Raises:
        UserError: 40 ms are no whole number of this model's frames.
    """
    if BLOCK_FRAMES * played(codec.sample_rate) % codec.samples_per_unit:
        raise UserError("This EnCodec's frames do not fit into 40 ms: use facebook/encodec_24khz.")
    layers = codec.model.quantizer.layers
    weights = b"".join(each.codebook.embed.numpy().tobytes() for each in layers)
    said = f"codebooks={codec.codebooks};model={zlib.crc32(weights):08x}"
    return lambda rate: Format(
        f"audio/encodec;rate={rate};channels=1;{said}",
        2,
        rate,
        lambda: Encodec(codec, rate),
        block=BLOCK_FRAMES,
        tail=1,
    )
