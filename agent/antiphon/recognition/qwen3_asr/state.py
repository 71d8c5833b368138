"""A recording as far as it was heard."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from antiphon.recognition.qwen3_asr.features import FeatureState
from antiphon.recognition.qwen3_asr.writing.reader import NOTHING, KeyValues, Written
from antiphon.recognition.transcript import Options


@dataclass(frozen=True)
class Window:
    """What is heard in a window of the encoder."""

    sounds: torch.Tensor
    """[N, width] projected states, as the language model is given them."""
    letters: torch.Tensor | None
    """[N, labels] log probabilities of letters, of a model that hears them."""


@dataclass(frozen=True)
class QwenState:
    """A recording so far. Values are never changed in place."""

    features: FeatureState
    options: Options
    windows: tuple[Window, ...] = ()
    """Finished ones: they are encoded once."""
    read: KeyValues = ()
    """What the language model remembers of the prompt up to the last of them: read once, too."""
    fresh: int = 0
    """Samples since it was read."""
    readings: int = 0
    written: Written = NOTHING
    """What the last reading wrote."""
