"""Texts from which the language model learns to write before it hears anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from antiphon.training.jobs.qwen3_asr.labels import imagined, labels
from antiphon.training.jobs.qwen3_asr.transcription import Writer, transcription_losses
from antiphon.training.loop import Losses

ENGLISH, SILENT = 0.6, 0.05
"""Shares of texts in English, and of those in which nobody speaks."""


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

    def losses(self, writer: Writer, size: int, rng: np.random.Generator) -> Losses:
        """How well so many texts are written from what could be given for their sound."""
        lines = [self.draw(rng) for _ in range(size)]
        said = [labels(writer.tokenizer, line.text) for line in lines]
        table, blank = writer.model.get_input_embeddings().weight, writer.blank
        pool = torch.tensor([token for row in said for token in row] or [blank])
        sounds = [imagined(row, pool, table, blank, rng) for row in said]
        return transcription_losses(writer, sounds, lines, rng)
