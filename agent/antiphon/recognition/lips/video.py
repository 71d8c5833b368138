"""Pictures of a clip at a steady rate, upright and of a bounded size, by FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from antiphon.recognition.lips.lip_pictures import FPS

Picture = NDArray[np.uint8]
"""[H, W, 3] red, green, blue."""
T = TypeVar("T")

LONGEST = 4 * 3600
"""Seconds that are looked at; bounds the memory they take, 370 MB."""
LONGEST_SIDE = 960
"""Pixels; larger pictures are made smaller, which leaves a mouth far more than is looked at."""


class VideoError(Exception):
    """A clip whose pictures cannot be had."""


def at_rate(timed: Iterable[tuple[float, T]], rate: float, most: float) -> Iterator[T]:
    """What is seen in the middle of each 1 / `rate` s, the first of which begins at 0.

    Args:
        timed: seconds at which something begins to be seen, and what; it is seen until the next.
            The first was seen before, too, and the last for as long as the one before it.
        rate: how many are wanted a second.
        most: seconds at which to stop.
    """
    count, began, lasts = 0, 0.0, 1 / rate
    held: list[T] = []
    for time, item in timed:
        seen = held or [item]
        while (count + 0.5) / rate < min(time, most):
            yield seen[0]
            count += 1
        if held and time > began:
            lasts = time - began
        held, began = [item], time
    while held and (count + 0.5) / rate < min(began + lasts, most):
        yield held[0]
        count += 1


def pictures(path: Path) -> Iterator[Picture]:
    """The pictures of a clip, 25 a second, the first of them seen with the first of its sound.

    One that is seen for longer is the same object each time. What follows damage is left out.

    Raises:
        VideoError: There are none, or they cannot be decoded.
    """
    import av

    shown: Any = None
    try:
        with av.open(str(path)) as container:
            for frame in at_rate(_timed(container), FPS, LONGEST):
                if shown is None or frame is not shown[0]:
                    shown = frame, _upright(frame)
                yield shown[1]
    except (av.FFmpegError, OSError, ValueError) as error:
        if shown is None:
            raise VideoError(getattr(error, "strerror", None) or str(error)) from error
    if shown is None:
        raise VideoError("it holds no pictures")


def _timed(container: Any) -> Iterator[tuple[float, Any]]:
    """Frames with the seconds since the first sound; the cover of a song is none."""
    import av

    cover = av.stream.Disposition.attached_pic
    video = next((s for s in container.streams.video if not s.disposition & cover), None)
    if video is None:
        return
    sound = next(iter(container.streams.audio), None)
    origin = None if sound is None or sound.start_time is None else sound.start_time
    zero = 0.0 if origin is None or sound is None else float(origin * sound.time_base)
    step = 1 / float(video.average_rate or FPS)
    time = -step
    for frame in container.decode(video):
        time = time + step if frame.time is None else frame.time - zero
        yield time, frame


def _upright(frame: Any) -> Picture:
    """A frame as it is to be seen, of a bounded size."""
    scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
    width, height = (max(1, round(scale * side)) for side in (frame.width, frame.height))
    small = frame.reformat(width, height, format="rgb24", interpolation="AREA")
    turns = round(getattr(frame, "rotation", 0) / 90)  # older PyAV does not tell
    return np.ascontiguousarray(np.rot90(small.to_ndarray(), turns))
