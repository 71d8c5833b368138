"""Texts from which the language model learns to write before it hears anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from antiphon.training.jobs.qwen3_asr.transcription import Writer, transcription_losses
from antiphon.training.loop import Losses

Sound = Callable[[str, str, np.random.Generator], torch.Tensor]
"""[N, hidden] of a text and its language."""

ENGLISH, SILENT = 0.6, 0.05
"""Shares of texts in English, and of those in which nobody speaks."""
AMONG = 6
"""Times as many texts as a batch has from which those of about a length are taken."""


@dataclass(frozen=True)
class Line:
    """A text that nobody speaks."""

    text: str
    language: str


class Lines:
    """Draws texts of all languages.

    Args:
        texts: by code of their language.
    """

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self.texts = texts
        self.others = [code for code in texts if code != "en"]

    def draw(self, rng: np.random.Generator) -> Line:
        """A text, or silence."""
        if rng.random() < SILENT:
            return Line("", "")
        code = "en" if rng.random() < ENGLISH else self.others[int(rng.integers(len(self.others)))]
        pool = self.texts[code]
        return Line(pool[int(rng.integers(len(pool)))], code)

    def near(self, size: int, rng: np.random.Generator) -> list[Line]:
        """So many texts of about the same length: in a batch all are as long as the longest."""
        some = sorted(
            (self.draw(rng) for _ in range(AMONG * size)), key=lambda line: len(line.text)
        )
        first = int(rng.integers(1 + len(some) - size))
        return some[first : first + size]

    def losses(self, writer: Writer, sound: Sound, size: int, rng: np.random.Generator) -> Losses:
        """How well so many texts are written from what could be given for their sound.

        Args:
            writer: what learns.
            sound: what could be given for a text.
            size: texts.
            rng: draws everything.
        """
        lines = self.near(size, rng)
        sounds = [sound(line.text, line.language, rng) for line in lines]
        return transcription_losses(writer, sounds, lines, rng)
