"""The judges: a recognizer for words, DistillMOS for naturalness. Loaded when first asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon import settings, weights
from antiphon.errors import UserError

RATE = 16_000
"""Samples a second of everything that is judged."""
MIN_SECONDS = 0.1
"""Seconds; less is silence to a judge."""

Pcm = NDArray[np.float32]
"""[N] mono samples at `RATE`."""


@dataclass(frozen=True)
class Judges:
    """Who judges speech."""

    recognize: Callable[[Pcm], str]
    """What is said."""
    naturalness: Callable[[Pcm], float]
    """Mean opinion score, 1 to 5."""


def judges() -> Judges:
    """Whisper base for words, DistillMOS for naturalness."""
    return Judges(recognizer(settings.value(settings.Evaluation, "judge")), naturalness)


def recognizer(name: str, *, beam: int = 5) -> Callable[[Pcm], str]:
    """A Whisper by faster-whisper, int8.

    Args:
        name: of the weights.
        beam: width of the search.
    """

    def recognize(pcm: Pcm) -> str:
        if len(pcm) < MIN_SECONDS * RATE:
            return ""
        pieces, _ = _whisper(name).transcribe(
            pcm, language="en", beam_size=beam, temperature=0.0, condition_on_previous_text=False
        )
        return " ".join(piece.text.strip() for piece in pieces)

    return recognize


@lru_cache(maxsize=2)
def _whisper(name: str) -> Any:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise UserError(
            "Judging speech needs the package faster-whisper: pip install 'antiphon[eval]'."
        ) from error
    return WhisperModel(str(weights.path(name) / "ctranslate2"), device="cpu", compute_type="int8")


def naturalness(pcm: Pcm) -> float:
    """DistillMOS of speech; 1 for silence."""
    import torch

    if len(pcm) < MIN_SECONDS * RATE:
        return 1.0
    with torch.inference_mode():
        return float(_distillmos()(torch.from_numpy(np.asarray(pcm, np.float32))[None]))


@lru_cache(maxsize=1)
def _distillmos() -> Any:
    folder = str(weights.path("distillmos"))
    sys.path.insert(0, folder)
    try:
        from importlib import import_module

        return import_module("distillmos").ConvTransformerSQAModel().eval()
    finally:
        sys.path.remove(folder)


def at_judges_rate(pcm: Pcm, sample_rate: int) -> Pcm:
    """Speech resampled for the judges."""
    if sample_rate == RATE or not len(pcm):
        return pcm
    import soxr

    return np.asarray(soxr.resample(pcm, sample_rate, RATE), np.float32)
