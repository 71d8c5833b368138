"""Sound files while they are made."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.audio.resampling import Resampler
from antiphon.transports.realtime.protocol.formats import PCM_RATE, sixteen_bits

Pcm = NDArray[np.float32]


class Encoder(Protocol):
    """Writes one sound file piece by piece."""

    def __call__(self, pcm: Pcm) -> bytes:
        """[N] more samples at the rate it was made for."""

    def finish(self) -> bytes:
        """The end of the file."""


class PcmEncoder:
    """Samples of 16 bits at 24 kHz, as OpenAI's `pcm`; with a header, as WAV.

    Args:
        rate: of the samples that come.
        header: whether it is a WAV file; its length is not known, so it claims to be endless.
    """

    def __init__(self, rate: int, *, header: bool = False) -> None:
        self._resample = Resampler(rate, PCM_RATE)
        endless = 0xFFFFFFFF
        riff = struct.pack("<4sI4s4sI", b"RIFF", endless, b"WAVE", b"fmt ", 16)
        form = struct.pack("<HHIIHH", 1, 1, PCM_RATE, 2 * PCM_RATE, 2, 16)
        self._header = riff + form + struct.pack("<4sI", b"data", endless) if header else b""

    def __call__(self, pcm: Pcm) -> bytes:
        """See `Encoder`."""
        header, self._header = self._header, b""
        return header + sixteen_bits(self._resample(pcm))

    def finish(self) -> bytes:
        """See `Encoder`."""
        header, self._header = self._header, b""
        return header + sixteen_bits(self._resample.flush())


class MediaEncoder:
    """A compressed format, by FFmpeg (PyAV).

    Args:
        rate: of the samples that come.
        container: FFmpeg's name of the file format.
        codec: FFmpeg's name of the codec.
        whole: whether the file's header tells its length, so that it is written at the end.
    """

    def __init__(self, rate: int, container: str, codec: str, *, whole: bool = False) -> None:
        import av

        self._file: Any = io.BytesIO() if whole else Sink()
        self._whole = whole
        options = {"write_xing": "0"} if container == "mp3" else {}
        self._out: Any = av.open(self._file, "w", format=container, options=options)
        self._stream: Any = self._out.add_stream(codec, rate=PCM_RATE)
        self._stream.layout = "mono"
        if not whole:
            self._stream.bit_rate = 64_000
        self._resample = Resampler(rate, PCM_RATE)
        self._frame: Callable[..., Any] = av.AudioFrame.from_ndarray

    def __call__(self, pcm: Pcm) -> bytes:
        """See `Encoder`."""
        self._encode(self._resample(pcm))
        return b"" if self._whole else bytes(self._file.taken())

    def finish(self) -> bytes:
        """See `Encoder`."""
        self._encode(self._resample.flush())
        self._out.mux(self._stream.encode(None))
        self._out.close()
        return bytes(self._file.getvalue() if self._whole else self._file.taken())

    def _encode(self, pcm: Pcm) -> None:
        if len(pcm):
            sixteen = np.frombuffer(sixteen_bits(pcm), "<i2")[None]
            frame = self._frame(np.ascontiguousarray(sixteen), "s16", "mono")
            frame.sample_rate = PCM_RATE
            self._out.mux(self._stream.encode(frame))


class Sink(io.RawIOBase):
    """Takes what is written, which cannot be changed any more."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keep some bytes."""
        self._written += bytes(data)
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last call."""
        taken, self._written = bytes(self._written), bytearray()
        return taken


ENCODERS: dict[str, tuple[str, Callable[[int], Encoder]]] = {
    "mp3": ("audio/mpeg", lambda rate: MediaEncoder(rate, "mp3", "libmp3lame")),
    "opus": ("audio/ogg", lambda rate: MediaEncoder(rate, "ogg", "libopus")),
    "aac": ("audio/aac", lambda rate: MediaEncoder(rate, "adts", "aac")),
    "flac": ("audio/flac", lambda rate: MediaEncoder(rate, "flac", "flac", whole=True)),
    "wav": ("audio/wav", lambda rate: PcmEncoder(rate, header=True)),
    "pcm": ("audio/pcm", PcmEncoder),
}
"""Media type and encoder by OpenAI's name of a format."""
