"""Recordings that libsndfile does not read (M4A, AAC, WebM, MP4, AMR, …), through FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray


def decode(source: Path | BinaryIO, max_seconds: float) -> tuple[NDArray[np.float32], int]:
    """Decodes the first sound track of a file, of videos too; what follows damage is left out.

    Args:
        source: A file, or what can be read and sought like one.
        max_seconds: Decoding stops a little behind this.

    Returns:
        [N] samples, channels averaged, and their rate.

    Raises:
        ValueError: There is no sound that can be decoded.
    """
    rate, pieces = blocks(source)
    found, length = list[NDArray[np.float32]](), 0
    for piece in pieces:
        found.append(piece)
        length += len(piece)
        if length > max_seconds * rate:
            break
    return np.concatenate(found), rate


def blocks(source: Path | BinaryIO) -> tuple[int, Iterator[NDArray[np.float32]]]:
    """The same piece by piece, as it is decoded; `source` need not be seekable.

    Returns:
        Samples a second; blocks [N], at least one.

    Raises:
        ValueError: There is no sound that can be decoded.
    """
    try:
        import av
    except ImportError as error:
        raise ValueError("its format needs another package: pip install av") from error
    rates: list[int] = []

    def decoded() -> Iterator[NDArray[np.float32]]:
        with av.open(str(source) if isinstance(source, Path) else source) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                return
            rates.append(int(stream.rate or 0))
            planar = av.AudioResampler(format="fltp", rate=rates[0])
            some = False
            try:
                for frame in container.decode(stream):
                    for part in planar.resample(frame):
                        some = True
                        yield part.to_ndarray().mean(0).astype(np.float32)
            except av.FFmpegError:
                if not some:
                    raise
            for part in planar.resample(None):
                yield part.to_ndarray().mean(0).astype(np.float32)

    pieces = decoded()
    try:
        first = next(pieces, None)
    except (av.FFmpegError, OSError) as error:
        raise ValueError(getattr(error, "strerror", None) or str(error)) from error
    if first is None:
        raise ValueError("it holds no sound")
    return rates[0], chain([first], pieces)
