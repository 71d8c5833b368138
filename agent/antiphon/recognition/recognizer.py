"""Recognizers: one protocol, and the way from a name to a recognizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from antiphon import weights
from antiphon.recognition.transcript import Options, Partial, Segment, Transcript, Word
from antiphon.registry import Registry

__all__ = ["Options", "Partial", "Recognizer", "Segment", "Transcript", "Word"]

SAMPLE_RATE = 16_000
"""Samples a second of all audio a recognizer is fed."""


class Recognizer(Protocol):
    """Transcribes audio piece by piece. Holds weights only; a stream's state is a value."""

    def start(self, options: Options | None = None) -> Any:
        """State before the first sample. None: a turn of a conversation with the agent."""

    def feed(self, pcm: NDArray[np.float32], state: Any) -> Any:
        """State after `pcm` [N], mono, 16 kHz; the state given stays as it is."""

    def finish(self, state: Any) -> Transcript:
        """The transcript, if the audio ends here; feeding may go on."""


@runtime_checkable
class BatchRecognizer(Recognizer, Protocol):
    """One that transcribes several utterances at once faster than one after another."""

    def transcribe_batch(
        self, clips: Sequence[NDArray[np.float32]], options: Options
    ) -> list[Transcript]:
        """The transcripts of whole utterances [N], mono, 16 kHz: those of each by itself."""


@dataclass(frozen=True)
class RecognizerConfig:
    """What a recognizer's `config.json` says."""

    model_type: str
    """A name of `ARCHITECTURES`."""


Loader = Callable[[str], Recognizer]
"""Loads the recognizer of a name, folder or hub id."""

ARCHITECTURES: Registry[Loader] = Registry(
    "kind of recognizer",
    "antiphon.recognizer_architectures",
    {
        "whisper": "antiphon.recognition.whisper.recognizer:load",
        "drax": "antiphon.recognition.drax.recognizer:load",
        "qwen3_asr": "antiphon.recognition.qwen3_asr.recognizer:load",
        "mome": "antiphon.recognition.mome.recognizer:load",
    },
)
"""Loaders by the `model_type` of a checkpoint."""

RECOGNIZERS: Registry[Loader] = Registry(
    "recognizer",
    "antiphon.recognizers",
    lambda: (
        {"qwen3-asr": "antiphon.recognition.qwen3_asr.recognizer:load"}
        | dict.fromkeys(
            [*weights.named("recognizer"), *weights.trained("recognizer")],
            "antiphon.recognition.recognizer:load",
        )
    ),
)
"""Recognizers by name. Folders and hub ids need no entry."""


def from_pretrained(name: str) -> Recognizer:
    """A recognizer.

    Args:
        name: a registered name, a folder, or a model hub id.

    Raises:
        UserError: There is no such recognizer, or it cannot be fetched.
    """
    return (RECOGNIZERS.get(name) if name in RECOGNIZERS else load)(name)


def load(name: str) -> Recognizer:
    """The recognizer of a checkpoint, by its architecture."""
    config = weights.read_config(folder_of(name), RecognizerConfig)
    return ARCHITECTURES.get(config.model_type)(name)


def folder_of(name: str) -> Path:
    """The folder of a recognizer's weights: trained here, fetched, or one's own."""
    return weights.trained("recognizer").get(name) or weights.path(name)


def transcribe(recognizer: Recognizer, pcm: NDArray[np.float32]) -> Transcript:
    """The transcript of a whole recording [N], mono, 16 kHz."""
    return recognizer.finish(recognizer.feed(pcm, recognizer.start()))
