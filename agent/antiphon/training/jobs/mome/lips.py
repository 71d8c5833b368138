"""Train the lip encoder to tell visemes apart, on drawn mouths; then it stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from antiphon.errors import UserError
from antiphon.recognition.mome.lip_encoder import LipConfig, LipEncoder, save
from antiphon.training import loop
from antiphon.training.corpora import numbered_files
from antiphon.training.corpora.hearing.timed_speech import plain
from antiphon.training.corpora.lips.talking_heads import TalkingHead, talking_head
from antiphon.training.corpora.lips.visemes import VISEMES
from antiphon.training.corpora.voice import texts

VOICES, UNHEARD = ("awb", "slt", "kal16"), ("rms",)
"""Of flite: those that are trained on, and that of the speakers who are held out."""
UNSEEN = 10
"""Every so many texts one is held out."""
LETTERS = (12, 80)
"""Letters of a sentence, fewest and most."""
BATCH = 12
RATE = 1e-3
IGNORED = -100


@dataclass(frozen=True)
class Clip:
    """A mouth and what it says."""

    pictures: torch.Tensor
    """[T, 32, 32] bytes."""
    visemes: torch.Tensor
    """[T] int16."""


class TalkingHeads:
    """Draws talking heads by number.

    Args:
        data: the data folder (docs/data.md).
        held_out: whether speakers, voices and texts are those for evaluation.
    """

    def __init__(self, data: Path, *, held_out: bool = False) -> None:
        fewest, most = LETTERS
        turns = (" ".join(turn.split()) for turn in texts.turns(data))
        known = sorted({t for t in turns if fewest <= len(t) <= most and plain(t)})
        self.texts = [t for i, t in enumerate(known) if (i % UNSEEN == 0) == held_out]
        self.held_out = held_out
        if not self.texts:
            raise UserError(f"{data} has no sentences to say: give the folder of docs/data.md.")

    def head(self, number: int, seed: int) -> TalkingHead:
        """The talking head of a number."""
        rng = np.random.default_rng([seed, number, int(self.held_out)])
        voices = UNHEARD if self.held_out else VOICES
        return talking_head(
            self.texts[int(rng.integers(len(self.texts)))],
            voices[int(rng.integers(len(voices)))],
            number,
            int(rng.integers(1 << 30)),
            held_out=self.held_out,
        )

    def row(self, number: int, seed: int) -> dict[str, Any]:
        """What is kept of it."""
        head = self.head(number, seed)
        return {
            "pictures": torch.from_numpy((head.pictures * 255).round().astype(np.uint8)),
            "visemes": torch.from_numpy(head.visemes.astype(np.int16)),
            "pcm": torch.from_numpy((head.pcm.clip(-1, 1) * 32767).astype(np.int16)),
            "text": head.text,
        }


def read(folder: Path) -> list[Clip]:
    """The clips of a folder, shortest first."""
    rows = [torch.load(path, weights_only=True) for path in numbered_files.files(folder)]
    found = [Clip(row["pictures"], row["visemes"]) for row in rows]
    return sorted(found, key=lambda clip: len(clip.visemes))


def losses(encoder: LipEncoder, clips: Sequence[Clip]) -> Mapping[str, torch.Tensor]:
    """Cross-entropy of the visemes of each picture, and the share that is right."""
    where = encoder.head.weight.device
    pictures = pad_sequence([clip.pictures for clip in clips], batch_first=True)
    wanted = pad_sequence(
        [clip.visemes.long() for clip in clips], batch_first=True, padding_value=IGNORED
    ).to(where)
    logits = encoder.head(encoder(pictures.to(where).float() / 255))
    loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)
    real = wanted != IGNORED
    right = (logits.argmax(-1) == wanted)[real].float().mean()
    return {"loss": loss, "right": right}


@dataclass(frozen=True)
class Recipe:
    """Everything a run needs.

    Attributes:
        data: the data folder (docs/data.md).
        work: folder of corpus and checkpoints.
        out: folder of the finished weights.
        size: of the encoder.
    """

    data: Path
    work: Path
    out: Path
    size: LipConfig = field(default_factory=lambda: LipConfig(visemes=len(VISEMES)))
    seed: int = 0
    device: str = "cpu"

    def corpus(self, clips: int, minutes: float) -> bool:
        """Draw the talking heads; True if all are there. A tenth more are of held-out speakers."""
        for kind, count in (("heads", clips), ("heads-unseen", max(1, clips // 10))):
            drawn = TalkingHeads(self.data, held_out=kind == "heads-unseen")
            if not numbered_files.write(
                self.work / kind, count, partial(drawn.row, seed=self.seed),
                minutes=minutes, kind="head",
            ):  # fmt: skip
                return False
        return True

    def train(self, steps: int, minutes: float | None = None) -> bool:
        """Train on the corpus and write what was learnt.

        Args:
            steps: of the whole run.
            minutes: time to take at most.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        clips, unseen = read(self.work / "heads"), read(self.work / "heads-unseen")
        if not clips or not unseen:
            raise UserError("There are no talking heads: antiphon train lips draws them first.")
        encoder = LipEncoder(self.size).to(self.device)

        def drawn(step: int) -> Mapping[str, torch.Tensor]:
            rng = np.random.default_rng([self.seed, step])
            first = int(rng.integers(max(1, len(clips) - 2 * BATCH)))
            near = clips[first : first + 2 * BATCH]
            return losses(encoder, [near[i] for i in rng.permutation(len(near))[:BATCH]])

        def judged() -> Mapping[str, float]:
            found = [losses(encoder, [clip]) for clip in unseen]
            pictures = np.array([len(clip.visemes) for clip in unseen])
            right = np.array([float(each["right"]) for each in found])
            return {"right": float((right * pictures).sum() / pictures.sum())}

        done = loop.fit(
            encoder, drawn, loop.Schedule(steps, RATE, min(100, steps // 4 + 1)),
            self.work / "lips", minutes=minutes, seed=self.seed, evaluate=judged,
            evaluate_every=steps // 4 + 1,
        )  # fmt: skip
        save(encoder, self.out)
        return done
