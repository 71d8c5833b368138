"""What a mouth looks like while sounds are spoken, each bent by its neighbours.

A sound has a target and dominates the time around it; the mouth is the mean of all targets by their
dominance (Cohen and Massaro, "Modeling coarticulation in synthetic visual speech", 1993):

    shape(t) = sum of D_s(t) target_s / sum of D_s(t)
    D_s(t) = strength_s exp(-|t - middle_s| / reach_s)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

REACH = 0.35
"""How far a sound's dominance reaches, in lengths of the sound."""
LEAST, MOST = 0.025, 0.12
"""Seconds that it reaches at least and at most."""


@dataclass(frozen=True)
class Sound:
    """A sound and when it is spoken."""

    name: str
    """As in the CMU dictionary, lower case, without stress; "pau" is silence."""
    start: float
    """Seconds."""
    end: float
    """Seconds."""


@dataclass(frozen=True)
class Viseme:
    """What sounds that look alike look like."""

    opening: float
    """Between the lips: 0 closed, 1 wide open."""
    width: float
    """Of the mouth: -1 drawn together, 1 spread."""
    rounding: float
    """How far the lips are pushed out, 0 to 1."""
    teeth: float
    """How much of the upper teeth is seen, 0 to 1."""
    tongue: float
    """How much of the tongue is seen, 0 to 1."""
    strength: float
    """How much it insists on this: closed lips must close, while "k" takes any shape."""


VISEMES: dict[str, Viseme] = {
    "rest": Viseme(0.03, 0.0, 0.0, 0.0, 0.0, 0.6),
    "closed": Viseme(0.0, 0.0, 0.1, 0.0, 0.0, 8.0),
    "lip to teeth": Viseme(0.08, 0.1, 0.0, 1.0, 0.0, 6.0),
    "tongue to teeth": Viseme(0.25, 0.1, 0.0, 0.5, 0.9, 4.0),
    "alveolar": Viseme(0.25, 0.1, 0.0, 0.5, 0.5, 0.7),
    "sibilant": Viseme(0.12, 0.4, 0.0, 0.9, 0.0, 1.5),
    "palatal": Viseme(0.2, -0.5, 0.7, 0.8, 0.0, 4.0),
    "velar": Viseme(0.35, 0.0, 0.0, 0.2, 0.1, 0.4),
    "rhotic": Viseme(0.25, -0.3, 0.5, 0.4, 0.1, 1.5),
    "round": Viseme(0.2, -0.9, 1.0, 0.0, 0.0, 5.0),
    "round open": Viseme(0.6, -0.5, 0.7, 0.0, 0.1, 2.5),
    "open": Viseme(0.9, 0.1, 0.0, 0.3, 0.3, 2.0),
    "half open": Viseme(0.55, 0.4, 0.0, 0.5, 0.3, 1.5),
    "spread": Viseme(0.3, 0.9, 0.0, 0.8, 0.2, 1.8),
}
"""By name."""

SOUNDS: dict[str, str] = {
    name: viseme
    for viseme, names in {
        "rest": "pau brth",
        "closed": "p b m",
        "lip to teeth": "f v",
        "tongue to teeth": "th dh",
        "alveolar": "t d n l",
        "sibilant": "s z",
        "palatal": "ch jh sh zh",
        "velar": "k g ng hh",
        "rhotic": "r er",
        "round": "w uw uh ow oy",
        "round open": "ao aw",
        "open": "aa ah ax ae ay",
        "half open": "eh ey",
        "spread": "iy ih y",
    }.items()
    for name in names.split()
}
"""The viseme of each sound."""

SHAPE = ("opening", "width", "rounding", "teeth", "tongue")
"""What the columns of a shape are."""


def viseme_of(sound: str) -> str:
    """The name of a sound's viseme; one that is not known looks like silence."""
    return SOUNDS.get(sound, "rest")


def shapes(sounds: Sequence[Sound], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mouth [T, 5] at times [T], seconds; the columns are those of `SHAPE`.

    Args:
        sounds: in the order they are spoken; before and behind them the mouth rests.
        times: of the frames.
    """
    first = sounds[0].start if sounds else 0.0
    last = sounds[-1].end if sounds else 0.0
    around = [Sound("pau", first - 0.3, first), *sounds, Sound("pau", last, last + 0.3)]
    targets = np.array([astuple(VISEMES[viseme_of(each.name)]) for each in around])
    middles = np.array([(each.start + each.end) / 2 for each in around])
    lengths = np.array([each.end - each.start for each in around])
    reach = (REACH * lengths).clip(LEAST, MOST)
    away = np.abs(times[:, None] - middles) / reach
    # Far from all sounds the nearest one counts, and not what is left of underflow.
    logs = np.log(targets[:, -1]) - away
    dominance = np.exp(logs - logs.max(1, keepdims=True))
    found: NDArray[np.float64] = dominance @ targets[:, :-1]
    return found / dominance.sum(1, keepdims=True)


def labels(sounds: Sequence[Sound], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which viseme [T] is spoken at times [T], by its place in `VISEMES`."""
    names = list(VISEMES)
    found = np.full(len(times), names.index("rest"), np.int64)
    for each in sounds:
        inside = (times >= each.start) & (times < each.end)
        found[inside] = names.index(viseme_of(each.name))
    return found
