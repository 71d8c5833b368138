"""Draws a speaking mouth, 25 pictures a second: pose, light, blur, what covers it or is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from antiphon.recognition.lips.lip_pictures import FPS, SIZE
from antiphon.training.corpora.lips.visemes import Sound, shapes

HELD_OUT = 1_000_000
"""Speakers from this number on are for evaluation only."""

Pictures = NDArray[np.float32]


@dataclass(frozen=True)
class Speaker:
    """Whose mouth it is. Lengths are shares of half a picture."""

    width: float
    """From the middle to a corner, at rest."""
    gape: float
    """Height of the widest opening."""
    upper: float
    """Thickness of the upper lip."""
    lower: float
    """Thickness of the lower lip."""
    bow: float
    """Depth of the dip in the upper lip."""
    skin: float
    """Brightness, 0 to 1."""
    lips: float
    """How much darker the lips are."""
    beard: float
    """How much darker and rougher the skin around is."""
    liveliness: float
    """How far it moves, 1 on average."""
    texture: int
    """Seed of the skin."""

    @classmethod
    def draw(cls, number: int) -> Speaker:
        """The speaker of a number."""
        rng = np.random.default_rng([number, 77])
        skin = float(rng.uniform(0.35, 0.85))
        return cls(
            width=float(rng.uniform(0.42, 0.62)),
            gape=float(rng.uniform(0.45, 0.75)),
            upper=float(rng.uniform(0.09, 0.2)),
            lower=float(rng.uniform(0.12, 0.26)),
            bow=float(rng.uniform(0.0, 0.06)),
            skin=skin,
            lips=float(rng.uniform(0.06, 0.22)),
            beard=float(rng.uniform(0.05, 0.25)) if rng.random() < 0.3 else 0.0,
            liveliness=float(rng.uniform(0.7, 1.25)),
            texture=int(rng.integers(1 << 30)),
        )


@dataclass(frozen=True)
class Camera:
    """What lies between a mouth and its pictures. 0 everywhere is a perfect one."""

    shift: float = 0.0
    """How far the head wanders, share of half a picture."""
    turn: float = 0.0
    """How far it is tilted, radians."""
    yaw: float = 0.0
    """How far it is turned aside, 0 to 1."""
    zoom: float = 0.0
    """How far its distance is from the usual, share."""
    light: float = 0.0
    """Difference of brightness between one side and the other."""
    blur: float = 0.0
    """Standard deviation, pixels."""
    noise: float = 0.0
    """Standard deviation of the sensor's noise."""
    dropped: float = 0.0
    """Share of pictures in whose place the one before is seen again."""
    covered: float = 0.0
    """Share of the clip in which something is in front of the mouth."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Camera:
        """One as they are found."""
        return cls(
            shift=float(rng.uniform(0, 0.12)),
            turn=float(rng.uniform(-0.2, 0.2)),
            yaw=float(rng.uniform(0, 0.4)),
            zoom=float(rng.uniform(-0.15, 0.15)),
            light=float(rng.uniform(-0.3, 0.3)),
            blur=float(rng.uniform(0, 1.0)),
            noise=float(rng.uniform(0, 0.05)),
            dropped=float(rng.uniform(0, 0.1)) if rng.random() < 0.3 else 0.0,
            covered=float(rng.uniform(0, 0.3)) if rng.random() < 0.2 else 0.0,
        )


def film(
    sounds: Sequence[Sound], seconds: float, speaker: Speaker, camera: Camera, seed: int
) -> Pictures:
    """Pictures [T, SIZE, SIZE] of somebody who speaks, brightness 0 to 1.

    Args:
        sounds: that are spoken.
        seconds: of the whole clip.
        speaker: who it is.
        camera: what is between.
        seed: of all that is left to chance.
    """
    rng = np.random.default_rng([seed, 5])
    times = (np.arange(max(1, round(seconds * FPS))) + 0.5) / FPS
    mouths = shapes(sounds, times)
    wander = _wander(len(times), rng)
    seen = np.stack([
        _picture(mouth, speaker, camera, place) for mouth, place in zip(mouths, wander, strict=True)
    ])  # fmt: skip
    seen = _blurred(seen, camera.blur)
    _cover(seen, camera.covered, rng)
    if camera.noise:
        seen = seen + camera.noise * rng.standard_normal(seen.shape)
    for at in np.flatnonzero(rng.random(len(seen)) < camera.dropped):
        seen[at] = seen[max(0, at - 1)]
    return np.clip(seen, 0, 1).astype(np.float32)


def closer(camera: Camera, share: float) -> Camera:
    """A camera with so much of another's faults."""
    return replace(camera, **{name: share * value for name, value in vars(camera).items()})


def _picture(
    mouth: NDArray[np.float64], speaker: Speaker, camera: Camera, place: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One picture [SIZE, SIZE] of a mouth [5] at a place [2] of the head's wandering."""
    opening, width, rounding, teeth, tongue = mouth
    grid = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
    x, y = np.meshgrid(grid, grid)
    x, y = x - camera.shift * place[0], y - camera.shift * place[1]
    cos, sin = np.cos(camera.turn), np.sin(camera.turn)
    x, y = cos * x + sin * y, cos * y - sin * x
    x, y = x / (1 + camera.zoom), y / (1 + camera.zoom)
    x = x * (1 + camera.yaw * 0.5 + camera.yaw * 0.4 * np.sign(x) * np.abs(x))

    move = speaker.liveliness
    half = speaker.width * (1 + move * (0.25 * width - 0.15 * rounding))
    gap = speaker.gape * min(1.0, move * opening)
    thick = 1 + 0.35 * rounding - 0.25 * (opening < 0.05)
    arch = np.clip(1 - (x / half) ** 2, 0, None) ** 0.6
    inner = np.clip(1 - (x / (0.85 * half)) ** 2, 0, None) ** 0.7
    dip = speaker.bow * np.exp(-((x / (0.25 * half)) ** 2))
    top = -(0.4 * gap * inner + (thick * speaker.upper - dip) * arch)
    bottom = 0.6 * gap * inner + thick * speaker.lower * arch
    lips = _between(y, top, bottom) * (np.abs(x) < half)
    hole = _between(y, -0.4 * gap * inner, 0.6 * gap * inner) * (inner > 0)

    skin = speaker.skin + _texture(speaker)
    picture = skin - lips * speaker.lips
    seam = np.exp(-((y / 0.03) ** 2)) * (np.abs(x) < half)
    picture = picture - 0.25 * speaker.skin * seam * lips * (1 - min(1.0, 8 * gap))
    picture = picture * (1 - hole) + 0.08 * hole
    rows = _between(y, -0.4 * gap * inner, -0.4 * gap * inner + 0.12 * teeth)
    picture = picture + hole * rows * teeth * (0.75 - picture)
    back = _between(y, 0.6 * gap * inner - 0.5 * gap * tongue * inner, 0.6 * gap * inner)
    picture = picture + hole * back * tongue * (0.35 * speaker.skin - picture) * (1 - rows)
    return np.asarray(picture * (1 + camera.light * x))


def _between(
    y: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """About 1 where `low` < y < `high`, and 0 elsewhere, with edges a pixel wide."""
    pixel = 2 / SIZE
    rise = np.clip((y - low) / pixel + 0.5, 0, 1)
    fall = np.clip((high - y) / pixel + 0.5, 0, 1)
    return np.asarray(np.minimum(rise, fall) * (high > low))


def _texture(speaker: Speaker) -> NDArray[np.float64]:
    """What skin [SIZE, SIZE] differs from its mean; a beard is rough."""
    rng = np.random.default_rng(speaker.texture)
    coarse = np.kron(rng.standard_normal((4, 4)), np.ones((SIZE // 4, SIZE // 4)))
    smooth = _blurred(np.asarray(coarse[None], np.float64), 3.0)[0]
    rough = rng.standard_normal((SIZE, SIZE))
    return np.asarray(0.03 * smooth + speaker.beard * (0.3 * rough - 0.5))


def _wander(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Where a head is [T, 2], slowly changing, about -1 to 1."""
    steps = rng.standard_normal((count + 50, 2))
    window = np.hanning(25)
    slow = np.stack([np.convolve(steps[:, i], window, "same") for i in range(2)], 1)
    slow = slow[25 : 25 + count]
    return np.asarray(slow / max(1e-9, float(np.abs(slow).max())))


def _blurred(pictures: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Pictures [T, SIZE, SIZE] convolved with a Gaussian, edges repeated."""
    if sigma <= 0:
        return pictures
    reach = max(1, int(np.ceil(2.5 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        pads = [(reach, reach) if i == axis else (0, 0) for i in range(3)]
        wide = np.pad(pictures, pads, "edge")
        size = pictures.shape[axis]
        pictures = sum(
            weight * np.take(wide, range(at, at + size), axis) for at, weight in enumerate(weights)
        )
    return pictures


def _cover(pictures: NDArray[np.float64], share: float, rng: np.random.Generator) -> None:
    """Put something of one brightness in front of a run of pictures, in place."""
    count = round(share * len(pictures))
    if not count:
        return
    first = int(rng.integers(len(pictures) - count + 1))
    height, width = rng.integers(SIZE // 3, SIZE, 2)
    top, left = rng.integers(SIZE - height + 1), rng.integers(SIZE - width + 1)
    pictures[first : first + count, top : top + height, left : left + width] = rng.uniform(0, 1)
