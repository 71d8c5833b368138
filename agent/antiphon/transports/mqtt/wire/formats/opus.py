"""Opus: a tenth of PCM's bytes, for 7 ms more. Needs opuslib-next, and libopus of the system.

One message holds one Opus packet of whole frames, up to 80 ms. Opus knows rates of 16 and 24 kHz
but not of 22.05 kHz; such a voice travels at 24 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from antiphon.errors import UserError
from antiphon.runtime.frames import played
from antiphon.transports.mqtt.wire.formats.block_resampler import BlockResampler
from antiphon.transports.mqtt.wire.formats.format import Format, Samples, to_float, to_pcm16
from antiphon.transports.mqtt.wire.malformed import MalformedError

RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""What Opus knows."""
BITS, WIDE_BITS = 24_000, 32_000
"""Bits a second, up to 16 kHz and above; more does little for speech."""
COMPLEXITY = 5
"""Of 10: half the work of the library's own choice for the same sound."""


@cache
def binding() -> Any:
    """The binding.

    Raises:
        UserError: It is not installed, or the library it binds is not.
    """
    try:
        import opuslib_next
        import opuslib_next.api.decoder
    except ModuleNotFoundError as error:
        raise UserError("Opus needs another package: pip install opuslib-next.") from error
    except Exception as error:  # all it raises without the library
        raise UserError("Opus needs the system's library: sudo apt install libopus0.") from error
    return opuslib_next


class Opus:
    """A stream of Opus.

    Args:
        rate: samples a second; a frame of 20 ms must be a whole number of them.
    """

    def __init__(self, rate: int) -> None:
        inner = next(each for each in RATES if each >= rate)
        self._bits = BITS if inner <= 16_000 else WIDE_BITS
        self._rate, self._frame, self._inner = inner, played(rate), played(inner)
        self._encoder: Any = None
        self._decoder = binding().Decoder(inner, 1)
        self._there = BlockResampler(self._frame, self._inner)
        self._back = BlockResampler(self._inner, self._frame)

    def encode(self, pcm: Samples) -> bytes:
        """See `Coder`."""
        if self._encoder is None:
            self._encoder = binding().Encoder(self._rate, 1, binding().APPLICATION_VOIP)
            self._encoder.bitrate, self._encoder.complexity = self._bits, COMPLEXITY
        inner = to_pcm16(self._there(pcm))
        body: bytes = self._encoder.encode(inner.tobytes(), len(inner))
        return body

    def samples(self, body: bytes) -> int:
        """See `Coder`."""
        return self._frames(body) * self._frame

    def decode(self, body: bytes) -> Samples:
        """See `Coder`."""
        frames = self._frames(body)
        try:
            inner = self._decoder.decode(body, frames * self._inner)
        except binding().OpusError as error:
            raise MalformedError("the sound is no Opus") from error
        return self._back(to_float(np.frombuffer(inner, np.int16)))

    def _frames(self, body: bytes) -> int:
        state = self._decoder.decoder_state
        try:
            samples = binding().api.decoder.get_nb_samples(state, body, len(body))
        except binding().OpusError as error:
            raise MalformedError("the sound is no Opus") from error
        frames, rest = divmod(int(samples), self._inner)
        if rest or not frames:
            raise MalformedError("the sound is no whole number of frames")
        return frames


def load() -> Callable[[int], Format]:
    """What makes the format of a rate.

    Raises:
        UserError: Opus is not installed.
    """
    binding()
    return lambda rate: Format(
        f"audio/opus;rate={rate};channels=1", 1, rate, lambda: Opus(rate), tail=1
    )
