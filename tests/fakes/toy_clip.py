"""Clips made of a picture, with sound or without."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FACE = Path(__file__).parents[1] / "fixtures" / "face.jpg"
TICKS = 12_800
"""A second in time stamps."""


def face() -> np.ndarray:
    """A face, [256, 256, 3], whose eyes lie about 60 pixels apart."""
    with av.open(str(FACE)) as picture:
        return next(picture.decode(video=0)).to_ndarray(format="rgb24")


def moving(seconds: float, fps: float, scale: float = 1.3) -> list[np.ndarray]:
    """The face in pictures of 480 by 360, which drifts to the right and grows a little."""
    found = []
    for at in np.linspace(0, 1, round(seconds * fps)):
        size = round(256 * scale * (1 + 0.1 * at))
        frame = av.VideoFrame.from_ndarray(face(), format="rgb24")
        large = frame.reformat(size, size, interpolation="BICUBIC").to_ndarray()
        scene = np.full((360, 480, 3), 90, np.uint8)
        left = round(20 + 80 * at)
        part = large[: min(360, size), : 480 - left]
        scene[: part.shape[0], left : left + part.shape[1]] = part
        found.append(scene)
    return found


def write(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[float],
    pcm: np.ndarray | None = None,
    sound_at: float = 0.0,
) -> Path:
    """A clip of pictures [H, W, 3] seen from so many seconds on, with sound [N] at 16 kHz."""
    with av.open(str(path), "w") as out:
        height, width = pictures[0].shape[:2]
        video = out.add_stream("mpeg4", rate=25, bit_rate=4_000_000)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = video.time_base = Fraction(1, TICKS)
        sound = None
        if pcm is not None:
            sound = out.add_stream("aac", rate=16_000, layout="mono")
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * TICKS), Fraction(1, TICKS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound is not None and pcm is not None:
            track = av.AudioFrame.from_ndarray(pcm[None].astype(np.float32), "fltp", "mono")
            track.sample_rate, track.pts = 16_000, round(16_000 * sound_at)
            out.mux(sound.encode(track))
            out.mux(sound.encode(None))
    return path


def steady(path: Path, pictures: Sequence[np.ndarray], fps: float, pcm=None, **more) -> Path:
    """A clip of so many pictures a second."""
    return write(path, pictures, [i / fps for i in range(len(pictures))], pcm, **more)


def song(path: Path) -> Path:
    """Two seconds of silence as MP3, with a face on its cover."""
    with av.open(str(path), "w") as out:
        sound = out.add_stream("mp3", rate=16_000, layout="mono")
        cover = out.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 256
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(face(), format="rgb24").reformat(format="yuvj420p")
        picture.pts = 0
        out.mux(cover.encode(picture))
        out.mux(cover.encode(None))
        track = av.AudioFrame.from_ndarray(np.zeros((1, 32_000), np.float32), "fltp", "mono")
        track.sample_rate, track.pts = 16_000, 0
        out.mux(sound.encode(track))
        out.mux(sound.encode(None))
    return path
