"""Train MoME or a variant of it: first the projectors alone, then through the language model.

The second stage is at a random rate each step, or at all rates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from antiphon import weights
from antiphon.recognition.drax.candidates import distance
from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.mome.checkpoint import fresh, save
from antiphon.recognition.mome.model import MomeConfig, MomeModel
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora.hearing import recognition, spoken_characters
from antiphon.training.corpora.hearing.recognition import Clip
from antiphon.training.jobs.mome.batches import Batches, hidden
from antiphon.training.jobs.mome.warm_start import warm_losses

WHISPER = "whisper-tiny.en"
WARM_RATE, RATE = 1e-3, 1e-3
"""Peak learning rates."""
EVALUATED = 24
"""Held-out clips that are transcribed to watch the training."""


@dataclass(frozen=True)
class Schedule:
    """How a run learns."""

    warm_steps: int
    """Steps of the projectors alone."""
    steps: int
    """Steps through the language model."""
    batch: int = 16
    """Clips a step."""
    all_rates: bool = False
    """Every step at all rates, which costs as much as one at each; else at a random one."""
    coarser: float = 0.0
    """Rates are drawn by rate ** coarser: coarse ones cost less, and are harder."""

    def rate(self, step: int, seed: int, rates: Sequence[int]) -> int:
        """The random rate of a step."""
        chances = np.array(rates, float) ** self.coarser
        rng = np.random.default_rng([seed, step, 1])
        return int(rng.choice(np.array(rates), p=chances / chances.sum()))


@dataclass(frozen=True)
class Recipe:
    """Everything a run needs.

    Attributes:
        data: the data folder (docs/data.md).
        work: folder of corpus and checkpoints.
        out: folder of the finished weights.
        name: of this run's checkpoints in `work`.
        config: of the model.
    """

    data: Path
    work: Path
    out: Path
    name: str
    config: MomeConfig
    schedule: Schedule
    seed: int = 0
    device: str = "cpu"
    facts: Mapping[str, object] = field(default_factory=dict)
    """What is written into config.json besides."""

    def corpus(self, synthetic: int, versions: int, limit: int | None, minutes: float) -> bool:
        """Compute encoder states and alignments of the corpus; True if all are there."""
        transcriber = Transcriber.load(weights.path(self.config.whisper))
        done = recognition.make(
            self.data, self.work, transcriber,
            synthetic=synthetic, versions=versions, limit=limit, minutes=minutes, seed=self.seed,
        )  # fmt: skip
        folder = self.work / recognition.CORPUS
        return done and spoken_characters.build(
            transcriber, folder, self.work / "spoken", minutes=minutes
        )

    def train(self, minutes: float | None = None) -> bool:
        """Train both stages on the corpus and write what was learnt.

        Args:
            minutes: time to take at most, for each stage.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        model = fresh(self.config, self.device)
        clips = recognition.read(self.work / recognition.CORPUS)
        places = spoken_characters.read(self.work / "spoken")
        batches = Batches(clips, places, model)
        dev = recognition.read_dev(self.work)
        dev = dev[:: max(1, len(dev) // EVALUATED)]
        plan, rates = self.schedule, self.config.rates

        def losses(step: int) -> Mapping[str, torch.Tensor]:
            drawn = batches.draw(step, self.seed + 1, plan.batch, step / max(1, plan.steps))
            texts = [row.tokens for row in drawn]
            at = rates if plan.all_rates else [plan.rate(step, self.seed, rates)]
            found = [model.losses([hidden(r.frames) for r in drawn], texts, rate) for rate in at]
            named = {f"rate_{r}": each["text"].detach() for r, each in zip(at, found, strict=True)}
            return {
                "loss": torch.stack([each["loss"] for each in found]).mean(),
                "balance": torch.stack([each["balance"] for each in found]).mean().detach(),
                **named,
            }

        done = self._warm_up(model, batches, minutes) and loop.fit(
            model,
            losses,
            loop.Schedule(plan.steps, RATE, min(100, plan.steps // 4 + 1)),
            self.work / self.name,
            minutes=minutes,
            seed=self.seed,
            evaluate=lambda: error_rates(model, dev, rates),
            evaluate_every=plan.steps // 3 + 1,
            save_every=max(50, plan.steps // 10),
        )
        log = self.work / self.name / "log.jsonl"
        last = log.read_text("utf-8").splitlines()[-1:] if log.exists() else []
        save(model, self.out, **self.facts, steps=json.loads(last[0])["step"] if last else 0)
        return done

    def _warm_up(self, model: MomeModel, batches: Batches, minutes: float | None) -> bool:
        """Train the projectors alone, once for all variants; True if they are done."""
        plan, rates = self.schedule, self.config.rates
        name = Path(self.config.language_model).name
        folder = self.work / f"projectors-{name}-{'-'.join(map(str, rates))}-seed{self.seed}"
        # Variants that are trained beside each other only read what is finished.
        there = (folder / "checkpoint.pt").exists()
        if there and loop.load(folder, model.projectors) >= plan.warm_steps:
            return True

        def losses(step: int) -> Mapping[str, torch.Tensor]:
            rate = plan.rate(step, self.seed, rates)
            return warm_losses(model, batches.draw(step, self.seed, 2 * plan.batch), rate)

        return loop.fit(
            model.projectors,
            losses,
            loop.Schedule(plan.warm_steps, WARM_RATE, min(100, plan.warm_steps // 4 + 1)),
            folder,
            minutes=minutes,
            seed=self.seed,
            save_every=100,
        )


def error_rates(
    model: MomeModel, clips: Sequence[Clip], rates: Sequence[int], batch: int = EVALUATED
) -> dict[str, float]:
    """Word error rates in percent of plain words, by rate."""
    found = {}
    ordered = sorted(clips, key=lambda clip: len(clip.frames))
    for rate in rates:
        wrong, words = 0, 0
        for first in range(0, len(ordered), batch):
            part = ordered[first : first + batch]
            for clip, written in zip(
                part, model.write([clip.frames for clip in part], rate), strict=True
            ):
                said = plain(clip.text).split()
                wrong += distance(plain(model.decode(written.tokens)).split(), said)
                words += len(said)
        found[f"wer_{rate}"] = 100 * wrong / max(1, words)
    return found
