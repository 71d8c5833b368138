"""Recordings that libsndfile does not read (M4A, AAC, WebM, MP4, AMR, …), through FFmpeg (PyAV)."""

from __future__ import annotations

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
    try:
        import av
    except ImportError as error:
        raise ValueError("its format needs another package: pip install av") from error
    blocks: list[NDArray[np.float32]] = []
    try:
        with av.open(str(source) if isinstance(source, Path) else source) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                raise ValueError("it holds no sound")
            rate = int(stream.rate or 0)
            planar = av.AudioResampler(format="fltp", rate=rate)
            length = 0
            try:
                for frame in container.decode(stream):
                    blocks += [part.to_ndarray().mean(0) for part in planar.resample(frame)]
                    length += frame.samples
                    if length > max_seconds * rate:
                        break
            except av.FFmpegError:
                if not blocks:
                    raise
            blocks += [part.to_ndarray().mean(0) for part in planar.resample(None)]
    except (av.FFmpegError, OSError) as error:
        raise ValueError(getattr(error, "strerror", None) or str(error)) from error
    if not blocks:
        raise ValueError("it holds no sound")
    return np.concatenate(blocks).astype(np.float32), rate
