"""Prosody: range and course of pitch, and where pauses are, beside the teacher's."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from antiphon.errors import UserError
from antiphon.evaluation.judges import RATE, Pcm
from antiphon.evaluation.scores import mean

LINES = Path(__file__).parents[2] / "prosody.tsv"
FINAL_SECONDS = 0.2
"""The end of a sentence, of what is voiced, by which it rises or falls."""
VOICE, VOICED = (60.0, 400.0), 0.5
"""Hertz that a voice may have, and the tracker's confidence of what is voiced."""
FRAME = 0.016
"""Seconds between two values of pitch."""
STEP = RATE // 100
"""Samples of one step of loudness."""
QUIET = 30.0
"""Decibels below the loudest tenth of a sentence; less is a pause."""
SHORTEST_PAUSE = 0.1
"""Seconds; plosives close for less."""


@dataclass(frozen=True)
class Line:
    """A text whose prosody is measured."""

    kind: str
    """`question` (one that is answered by yes or no), `statement`, `commas` or `long`."""
    text: str


def lines(limit: int | None, seed: int) -> list[Line]:
    """Texts written for this; a limit counts in each kind."""
    rows = LINES.read_text(encoding="utf-8").splitlines()
    found = [Line(*row.split("\t")) for row in rows if not row.startswith("#")]
    random.Random(seed).shuffle(found)
    kinds = sorted({line.kind for line in found})
    return [line for kind in kinds for line in [x for x in found if x.kind == kind][:limit]]


def evaluate(systems: Mapping[str, Callable[[str], Pcm]], texts: Sequence[Line]) -> dict[str, Any]:
    """Measures of each system on the same texts.

    Args:
        systems: speak a text at the judges' rate.
        texts: what is said.

    Returns:
        For each system, in semitones: `f0_range` (of statements and long texts), `question_rise`
        and `statement_rise` (the end above the median), `range_kept` (range of the last third of
        long texts over that of the first); `pauses_per_comma`, their `pause_seconds`, and
        `pauses_elsewhere`, in a sentence without commas.
    """
    result: dict[str, Any] = {"texts": len(texts)}
    for name, speak in systems.items():
        spoken = [(line, speak(line.text)) for line in tqdm(texts, desc=name, unit="text")]
        result[name] = {k: round(v, 3) for k, v in _measures(spoken).items()}
    return result


def _measures(spoken: Sequence[tuple[Line, Pcm]]) -> dict[str, float]:
    def of(*kinds: str) -> list[tuple[str, Pcm]]:
        return [(line.text, pcm) for line, pcm in spoken if line.kind in kinds]

    plain = [pauses(pcm) for _, pcm in of("question", "statement")]
    commas = [(text.count(","), pauses(pcm)) for text, pcm in of("commas")]
    held = [length for _, found in commas for length in found]
    courses = [semitones(pcm) for _, pcm in of("long")]
    thirds = [np.array_split(course, 3) for course in courses if len(course) >= 3]
    return {
        "f0_range": mean([spread(semitones(pcm)) for _, pcm in of("statement", "long")]),
        "question_rise": mean([rise(semitones(pcm)) for _, pcm in of("question")]),
        "statement_rise": mean([rise(semitones(pcm)) for _, pcm in of("statement")]),
        "range_kept": mean([spread(c) / max(spread(a), 0.1) for a, _, c in thirds]),
        "pauses_per_comma": sum(len(found) for _, found in commas)
        / max(1, sum(count for count, _ in commas)),
        "pause_seconds": mean(held),
        "pauses_elsewhere": mean([float(len(found)) for found in plain]),
    }


def semitones(pcm: Pcm) -> NDArray[np.float64]:
    """Pitch of what is voiced, in semitones above 1 Hz, one every 16 ms."""
    if len(pcm) < RATE // 10:
        return np.zeros(0)
    found = _pitch_tracker().detect(np.asarray(pcm, np.float32), RATE, *VOICE)
    voiced = found.pitch_hz[found.confidence >= VOICED]
    return np.asarray(12 * np.log2(voiced), np.float64)


@lru_cache(maxsize=1)
def _pitch_tracker() -> Any:
    try:
        from swift_f0 import SwiftF0
    except ImportError as error:
        raise UserError(
            "Pitch is measured by the package swift-f0: pip install 'antiphon[eval]'."
        ) from error
    return SwiftF0(threads=1, spin=False)


def spread(course: NDArray[np.float64]) -> float:
    """Semitones between the tenth and the ninetieth percentile; 0 of nothing."""
    if not len(course):
        return 0.0
    low, high = np.quantile(course, [0.1, 0.9])
    return float(high - low)


def rise(course: NDArray[np.float64]) -> float:
    """Semitones by which the end lies above the median; 0 of nothing."""
    if not len(course):
        return 0.0
    last = max(1, round(FINAL_SECONDS / FRAME))
    return float(np.median(course[-last:]) - np.median(course))


def pauses(pcm: Pcm) -> list[float]:
    """Seconds of every silence between the first sound and the last."""
    steps = pcm[: len(pcm) // STEP * STEP].reshape(-1, STEP)
    loudness = 10 * np.log10(np.square(steps).mean(1) + 1e-10)
    if not len(loudness):
        return []
    sounding = np.flatnonzero(loudness > np.quantile(loudness, 0.9) - QUIET)
    gaps = (np.diff(sounding) - 1) * STEP / RATE
    return [float(gap) for gap in gaps if gap >= SHORTEST_PAUSE]
