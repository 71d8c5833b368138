"""Train the small forced aligner: a head that reads word times off a frozen Whisper.

Cross-entropy at the slots of words that are said, and whether each is. The times are those of the
synthesizers themselves, rounded to classes and never floored, which would bring them half a class
early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.alignment.slot_head import CLASSES, SlotHead, SlotHeadConfig
from antiphon.recognition.alignment.text_reading import WINDOW, TextReader
from antiphon.recognition.alignment.whisper_slots import STATE_S, placed, write
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora.hearing.timed_sentences import VOICES, TimedSentences
from antiphon.training.corpora.hearing.timed_sentences import make as make_sentences
from antiphon.training.corpora.hearing.timed_sentences import read as read_sentences
from antiphon.training.jobs.aligner.clips import Clip, Clips, make, read

BATCH = 24
RATE = 2e-3
SMEARED = 0.3
"""Share of a target that goes to the classes beside it."""
SAID = 0.3
"""Weight of the loss of whether words are said."""
MOST_WORDS = 12
"""Words of a clip that have slots in a step; the others are read as well."""
HELD_OUT = 40
"""Clips of a voice that is not trained on, which are watched."""
UNHEARD = ("flite:rms",)


@dataclass(frozen=True)
class Batch:
    """Clips as tensors; words of all clips stand one after another."""

    frames: torch.Tensor
    """[B, T, width]"""
    mel: torch.Tensor
    """[B, 2 T, bands]"""
    words: Sequence[torch.Tensor]
    """[W, width] of each clip: neighbours are seen."""
    chosen: torch.Tensor
    """[N] places among all words of those that have slots."""
    looks: torch.Tensor
    """[N, rows, WINDOW]"""
    firsts: torch.Tensor
    """[N]"""
    row: torch.Tensor
    """[N] whose clip it is."""
    lengths: torch.Tensor
    """[B] states of each clip."""
    times: torch.Tensor
    """[N, 2] seconds; negative: it is not said."""


def collate(clips: Sequence[Clip], rng: np.random.Generator | None = None) -> Batch:
    """Clips as a batch; with `rng` a part of the words has slots."""
    count, before = max(len(clip.frames) for clip in clips), 0
    chosen, kept = list[torch.Tensor](), list[torch.Tensor]()
    for clip in clips:
        at = torch.arange(len(clip.times))
        if rng is not None and len(at) > MOST_WORDS:
            at = torch.from_numpy(np.sort(rng.permutation(len(at))[:MOST_WORDS]))
        kept.append(at)
        chosen.append(at + before)
        before += len(clip.times)
    both = list(zip(clips, kept, strict=True))
    mels = [F.pad(c.mel.float(), (0, 0, 0, 2 * (count - len(c.frames)))) for c in clips]
    return Batch(
        nn.utils.rnn.pad_sequence([clip.frames.float() for clip in clips], batch_first=True),
        torch.stack(mels),
        [clip.words.float() for clip in clips],
        torch.cat(chosen),
        torch.cat([clip.looks[at].float() for clip, at in both]),
        torch.cat([clip.firsts[at] for clip, at in both]),
        torch.cat([torch.full((len(at),), i) for i, at in enumerate(kept)]),
        torch.tensor([len(clip.frames) for clip in clips]),
        torch.cat([clip.times[at] for clip, at in both]),
    )


def scores(head: SlotHead, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """What the head says of the chosen words of a batch (`SlotHead.forward`)."""
    places = head.places(batch.frames, batch.mel)
    words = torch.cat([head.words(each) for each in batch.words])[batch.chosen]
    found: tuple[torch.Tensor, torch.Tensor] = head(
        places, words, batch.looks, batch.firsts, batch.row, batch.lengths
    )
    return found


def losses(head: SlotHead, batch: Batch) -> Mapping[str, torch.Tensor]:
    """Cross-entropies; `shift_ms`: how far the likeliest classes are off."""
    found, said = scores(head, batch)
    true = batch.times[:, 0] >= 0
    doubt = F.binary_cross_entropy_with_logits(said, true.float())
    wanted = (batch.times * CLASSES / STATE_S).round().long() - CLASSES * batch.firsts[:, None]
    inside = (wanted >= 1) & (wanted < CLASSES * WINDOW - 1) & true[:, None]
    logs, wanted = found[inside], wanted[inside]
    loss = (1 - SMEARED) * F.nll_loss(logs, wanted)
    for step in (-1, 1):  # behind the recording's end there is no class
        loss = (
            loss
            + SMEARED / 2 * F.nll_loss(logs, wanted + step, reduction="none").clamp(max=20).mean()
        )
    off = (logs.argmax(-1) - wanted).abs().float().mean() * STATE_S * 1000 / CLASSES
    return {"loss": loss + SAID * doubt, "slots": loss, "said": doubt, "shift_ms": off}


@torch.no_grad()
def judged(head: SlotHead, clips: Sequence[Clip]) -> Mapping[str, float]:
    """AAS of held-out clips in milliseconds, and how well what is said is told from what is not."""
    shifts, sure, said = list[NDArray[np.float64]](), list[float](), list[bool]()
    for clip in clips:
        batch = collate([clip])
        found, odds = scores(head, batch)
        true = clip.times.numpy().astype(float)
        off = np.abs(placed(found, batch.firsts, len(clip.frames))[0] - true).mean(1)
        shifts.append(off[true[:, 0] >= 0])
        sure += odds.sigmoid().tolist()
        said += (true[:, 0] >= 0).tolist()
    right = [(p > 0.5) == s for p, s in zip(sure, said, strict=True)]
    every = np.concatenate(shifts) * 1000
    return {
        "aas_ms": float(every.mean()),
        "median_ms": float(np.median(every)),
        "said": float(np.mean(right)),
    }


@dataclass(frozen=True)
class Recipe:
    """Everything a run needs.

    Attributes:
        data: the data folder (docs/data.md).
        work: folder of corpus and checkpoints.
        out: folder of the finished weights.
        whisper: that reads.
    """

    data: Path
    work: Path
    out: Path
    whisper: str = "whisper-tiny.en"
    size: SlotHeadConfig = field(default_factory=SlotHeadConfig)
    seed: int = 0

    def corpus(self, sentences: int, clips: int, minutes: float) -> bool:
        """Make the corpus; True if it is complete."""
        reader = TextReader(Transcriber.load(weights.path(self.whisper)))
        kinds = {"heard": (VOICES, sentences, clips), "unheard": (UNHEARD, HELD_OUT, HELD_OUT)}
        for kind, (voices, said, count) in kinds.items():
            spoken = self.work / "spoken" / kind
            if len(list(spoken.glob("[0-9]*[0-9].npz"))) < said and not make_sentences(
                TimedSentences(self.data, voices), spoken, range(said),
                minutes=minutes, seed=self.seed,
            ):  # fmt: skip
                return False
            drawn = Clips(list(read_sentences(spoken))[:said], reader, self.data)
            if not make(drawn, self.work / "clips" / kind, count, minutes=minutes, seed=self.seed):
                return False
        return True

    def train(self, steps: int, minutes: float | None = None) -> bool:
        """Train and write what was learned.

        Args:
            steps: of the whole run.
            minutes: time to take at most.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        clips = sorted(read(self.work / "clips" / "heard"), key=lambda c: len(c.frames))
        held_out = read(self.work / "clips" / "unheard")
        if not clips:
            raise UserError("There are no clips: antiphon train aligner makes them first.")
        head = SlotHead(self.size)

        def drawn(step: int) -> Mapping[str, torch.Tensor]:
            rng = np.random.default_rng([self.seed, step])
            first = int(rng.integers(-BATCH, max(1, len(clips) - BATCH)))
            near = clips[max(0, first) : max(0, first) + 2 * BATCH]
            return losses(head, collate([near[i] for i in rng.permutation(len(near))[:BATCH]], rng))

        schedule = loop.Schedule(steps, RATE, min(100, steps // 4 + 1))
        done = loop.fit(
            head, drawn, schedule, self.work / "head", minutes=minutes, seed=self.seed,
            evaluate=lambda: judged(head, held_out), evaluate_every=100, save_every=100,
        )  # fmt: skip
        write(head, self.whisper, self.out)
        return done
