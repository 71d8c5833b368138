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
from torch import nn

from antiphon import weights
from antiphon.recognition.drax.candidates import distance
from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.mome.checkpoint import fresh, save
from antiphon.recognition.mome.model import MomeConfig, MomeModel
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora import numbered_files
from antiphon.training.corpora.hearing import heard_speech, recognition, spoken_characters
from antiphon.training.corpora.hearing.recognition import Clip
from antiphon.training.jobs.mome.batches import Batches
from antiphon.training.jobs.mome.warm_start import warm_losses

WHISPER = "whisper-tiny.en"
WARM_RATE, RATE = 1e-3, 1e-3
"""Peak learning rates."""
EVALUATED = 24
"""Held-out clips that are transcribed to watch the training."""
SPOKEN = "spoken"
"""Folder of the alignments."""


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
        corpus: folder of heard speech.
        out: folder of the finished weights.
        name: of this run's checkpoints in `work`.
        config: of the model.
    """

    data: Path
    work: Path
    corpus: Path
    out: Path
    name: str
    config: MomeConfig
    schedule: Schedule
    seed: int = 0
    device: str = "cpu"
    facts: Mapping[str, object] = field(default_factory=dict)
    """What is written into config.json besides."""

    def prepare(self, hours: float, minutes: float | None) -> bool:
        """Make what is missing of the corpus and of its alignments; True if all is there.

        Args:
            hours: of audio, if there is no corpus yet.
            minutes: time to take at most, for each of the two.
        """
        transcriber = Transcriber.load(weights.path(self.config.whisper))
        if not heard_speech.ensure(
            self.data, self.corpus, transcriber, hours=hours, minutes=minutes, seed=self.seed
        ):
            return False
        recognition.make_dev(self.data, self.work, transcriber.encoder)
        most = 24 * 60 if minutes is None else minutes
        return spoken_characters.build(transcriber, self.corpus, self.work / SPOKEN, minutes=most)

    def train(self, minutes: float | None = None) -> bool:
        """Train both stages on the corpus and write what was learnt.

        Args:
            minutes: time to take at most, for each stage.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        model = fresh(self.config, self.device)
        batches = Batches(heard(self.corpus), spoken_characters.read(self.work / SPOKEN), model)
        dev = recognition.read_dev(self.work)
        dev = dev[:: max(1, len(dev) // EVALUATED)]
        plan, rates = self.schedule, self.config.rates

        def losses(step: int) -> Mapping[str, torch.Tensor]:
            drawn = batches.draw(step, self.seed + 1, plan.batch, step / max(1, plan.steps))
            texts = [row.tokens for row in drawn]
            at = rates if plan.all_rates else [plan.rate(step, self.seed, rates)]
            found = [model.losses([r.frames for r in drawn], texts, rate) for rate in at]
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
        """Train all that is in front of the language model, once for all variants.

        Returns:
            True if it is done.
        """
        plan, rates = self.schedule, self.config.rates
        front = nn.ModuleList([model.context, model.projectors])
        name = Path(self.config.language_model).name
        begun = f"projectors-{name}-"
        folder = self.work / f"{begun}{'-'.join(map(str, rates))}-seed{self.seed}"
        # Variants begin alike, so one at few rates takes its part of what learnt at more. Those
        # that are trained beside each other only read what is finished.
        for there in sorted(self.work.glob(f"{begun}*-seed{self.seed}"), reverse=True):
            known = {*there.name.removeprefix(begun).split("-")}
            if not (known.issuperset(map(str, rates)) and (there / "checkpoint.pt").exists()):
                continue
            if loop.load(there, front) >= plan.warm_steps:
                return True

        def losses(step: int) -> Mapping[str, torch.Tensor]:
            rate = plan.rate(step, self.seed, rates)
            return warm_losses(model, batches.draw(step, self.seed, 2 * plan.batch), rate)

        return loop.fit(
            front,
            losses,
            loop.Schedule(plan.warm_steps, WARM_RATE, min(100, plan.warm_steps // 4 + 1)),
            folder,
            minutes=minutes,
            seed=self.seed,
            save_every=100,
        )


def heard(corpus: Path) -> list[Clip]:
    """The clips of a corpus of heard speech."""
    return [
        Clip(states.frames, text)
        for path in numbered_files.files(corpus)
        for states, text in heard_speech.read(path)
    ]


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
