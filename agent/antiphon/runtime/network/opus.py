"""Opus packets to samples and back, by the libopus that PyAV brings."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from antiphon.runtime.audio.resampling import QuickResampler

RATE = 24_000
"""Samples a second of what clients are sent."""
DECODED_RATE, HEARD_RATE = 48_000, 16_000
"""Samples a second that PyAV decodes to, and that are left: nothing above 8 kHz is heard."""
BITS = 32_000
"""Bits a second; more does little for speech."""
COMPLEXITY = 5
"""Of 10: half the work of the library's own choice for the same sound."""
MAX_PACKET = 1500
"""Bytes of a packet; Opus itself knows none longer than 1275."""


class NotOpusError(ValueError):
    """What a client sent is no packet of Opus."""


class Encoder:
    """Writes one stream.

    Args:
        frame_ms: milliseconds of a packet: 20, 40 or 60.
    """

    def __init__(self, frame_ms: int) -> None:
        self.frame = RATE * frame_ms // 1000
        self._codec: Any = av.CodecContext.create("libopus", "w")
        self._codec.sample_rate, self._codec.bit_rate = RATE, BITS
        self._codec.layout, self._codec.format = "mono", "s16"
        self._codec.options = {
            "application": "voip",
            "frame_duration": str(frame_ms),
            "compression_level": str(COMPLEXITY),
        }
        self._rest = np.zeros(0, np.float32)
        self._at = 0

    def __call__(self, pcm: NDArray[np.float32], *, last: bool = False) -> list[bytes]:
        """The packets that [N] more samples in [-1, 1] complete; `last` pads the end of them."""
        pcm = np.concatenate([self._rest, pcm])
        if last:
            pcm = np.pad(pcm, (0, -len(pcm) % self.frame))
        whole = len(pcm) // self.frame * self.frame
        self._rest = pcm[whole:]
        return [self._packet(part) for part in pcm[:whole].reshape(-1, self.frame)]

    def _packet(self, pcm: NDArray[np.float32]) -> bytes:
        samples = (np.clip(pcm, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, Fraction(1, RATE)
        self._at += len(pcm)
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class Decoder:
    """Reads one stream."""

    def __init__(self) -> None:
        self._codec: Any = av.CodecContext.create("libopus", "r")
        self._codec.layout = "mono"
        self._resample = QuickResampler(DECODED_RATE, HEARD_RATE)

    def __call__(self, packet: bytes) -> NDArray[np.float32]:
        """The samples of a packet, [N] in [-1, 1] at `HEARD_RATE`.

        Raises:
            NotOpusError: It is none.
        """
        if not 0 < len(packet) <= MAX_PACKET:
            raise NotOpusError(f"{len(packet)} bytes are no Opus packet")
        try:
            frames = self._codec.decode(av.Packet(packet))
        except FFmpegError as error:
            raise NotOpusError("the sound is no Opus") from error
        parts = [frame.to_ndarray().reshape(-1, frame.layout.nb_channels) for frame in frames]
        if not parts:
            return np.zeros(0, np.float32)
        mono = np.concatenate(parts).mean(1, dtype=np.float32) / 32768
        return self._resample(mono)
