"""Silence: what is heard where nobody speaks, and speech that is not heard."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tqdm import tqdm

from antiphon.evaluation.judges import Pcm
from antiphon.messages import Doubt

Listener = Callable[[Pcm], Doubt | None]
"""Why a sound at 16 kHz is not answered as a question; None: it is."""


def evaluate(
    sounds: Iterable[tuple[str, Pcm]],
    recordings: Iterable[tuple[str, Pcm]],
    listen: Listener,
) -> dict[str, Any]:
    """How many sounds without speech are answered, and how many recordings of speech are not heard.

    To say that something was not understood is an answer to a sound; for speech it is counted
    apart.

    Args:
        sounds: kinds and sounds without speech.
        recordings: collections and recordings of speech.
        listen: hears.
    """
    kinds, answered = Counter[str](), Counter[str]()
    for kind, pcm in tqdm(sounds, desc="no speech", unit="sound"):
        kinds[kind] += 1
        answered[kind] += listen(pcm) != "no speech"
    parts, missed, doubted = Counter[str](), Counter[str](), Counter[str]()
    for part, pcm in tqdm(recordings, desc="speech", unit="clip"):
        doubt = listen(pcm)
        parts[part] += 1
        missed[part] += doubt == "no speech"
        doubted[part] += doubt not in (None, "no speech")
    return {
        "answered": answered.total(),
        "answered_interval": percent_interval(answered.total(), kinds.total()),
        "sounds": kinds.total(),
        "missed": missed.total(),
        "missed_interval": percent_interval(missed.total(), parts.total()),
        "not_understood": doubted.total(),
        "recordings": parts.total(),
        "kinds": {
            kind: {"answered": answered[kind], "sounds": count} for kind, count in kinds.items()
        },
        "sets": {
            part: {"missed": missed[part], "not_understood": doubted[part], "recordings": count}
            for part, count in parts.items()
        },
    }


def percent_interval(count: int, total: int, z: float = 1.96) -> list[float]:
    """Wilson's 95 % interval of a share, in percent; NaN of nothing."""
    if not total:
        return [float("nan")] * 2
    share, spread = count / total, z * z / total
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / total + spread / total / 4)
    bounds = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return [round(100 * max(0.0, bound), 3) for bound in bounds]
