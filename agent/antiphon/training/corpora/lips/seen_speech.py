"""Talking heads as the encoders of sound and of lips see them, sound in babble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from antiphon.recognition.mome.lip_encoder import LipEncoder
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training.corpora import numbered_files
from antiphon.training.corpora.hearing.babble import Babble
from antiphon.training.corpora.hearing.spoken_characters import spoken

LEVELS = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, None)
"""Decibels of the voice above babble, drawn equally often; None: there is no babble."""
VERSIONS = 3
"""Of each head, in other babble."""


@dataclass(frozen=True)
class SeenClip:
    """A talking head as a recognizer is shown it."""

    frames: torch.Tensor
    """[T, width] states of the sound's encoder, float16, 50 a second."""
    lips: torch.Tensor
    """[T / 2, lip_width] states of the lips' encoder, float16."""
    text: str
    places: torch.Tensor
    """[T] int16, which character of the text is spoken (`spoken_characters`)."""


@torch.no_grad()
def lip_states(encoder: LipEncoder, pictures: torch.Tensor) -> torch.Tensor:
    """States [T, lip_width], float16, of pictures [T, 32, 32] in bytes."""
    found: torch.Tensor = encoder(pictures[None].float() / 255)[0]
    return found.half()


class SeenSpeech:
    """Makes clips of talking heads.

    Args:
        heads: folder of them (`training.jobs.mome.lips`).
        transcriber: Whisper, whose states are wanted.
        lips: the encoder of lips.
        babble: what is heard behind them.
    """

    def __init__(
        self, heads: Path, transcriber: Transcriber, lips: LipEncoder, babble: Babble
    ) -> None:
        self.heads = numbered_files.files(heads)
        self.transcriber, self.lips, self.babble = transcriber, lips, babble

    def build(self, out: Path, *, minutes: float, seed: int = 0) -> bool:
        """Write the clips of every head that `out` does not have yet; True if all are there."""
        return numbered_files.write(
            out, len(self.heads), lambda number: self.clips(number, seed), minutes=minutes,
            kind="head",
        )  # fmt: skip

    def clips(self, number: int, seed: int) -> list[dict[str, Any]]:
        """The versions of a head."""
        rng = np.random.default_rng([seed, number])
        head = torch.load(self.heads[number], weights_only=True)
        pcm = head["pcm"].float().numpy() / 32768
        encoder = self.transcriber.encoder
        places = spoken(self.transcriber, encoder.whole(pcm), head["text"])
        seen, found = lip_states(self.lips, head["pictures"]), []
        for _ in range(VERSIONS):
            heard = self.babble.over(pcm, LEVELS[int(rng.integers(len(LEVELS)))], rng)
            frames = encoder.whole(heard).half()
            found.append({"frames": frames, "lips": seen, "text": head["text"], "places": places})
        return found


def read(folder: Path) -> Sequence[SeenClip]:
    """All clips of a folder, in order."""
    return [
        SeenClip(**row)
        for path in numbered_files.files(folder)
        for row in torch.load(path, weights_only=True)
    ]
