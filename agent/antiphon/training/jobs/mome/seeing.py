"""Teach a trained MoME to read lips as well: drawn mouths, and speech in babble.

First the projectors of lips alone, then all that learns. Clips of the first training are among
those of the second, so that it goes on hearing people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.mome import lip_encoder
from antiphon.recognition.mome.checkpoint import fresh, load, save
from antiphon.recognition.mome.model import LIP_RATES, MomeConfig, MomeModel
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora.hearing import spoken_characters
from antiphon.training.corpora.hearing.babble import Babble
from antiphon.training.corpora.lips import seen_speech
from antiphon.training.jobs.mome import job
from antiphon.training.jobs.mome.batches import Batches, Row, alike, ordered, row
from antiphon.training.jobs.mome.warm_start import warm_lip_losses

SEEN = 0.7
"""Share of the steps that are of talking heads."""
SOUND_ONLY, LIPS_ONLY = 0.2, 0.2
"""Shares of talking heads that are only heard, and only seen."""


@dataclass(frozen=True)
class Recipe:
    """Everything a run needs.

    Attributes:
        data: the data folder (docs/data.md).
        work: folder of corpora and checkpoints.
        corpus: folder of heard speech.
        start: folder of the trained MoME.
        lips: name or folder of the lip encoder.
        out: folder of the finished weights.
    """

    data: Path
    work: Path
    corpus: Path
    start: Path
    lips: str
    out: Path
    schedule: job.Schedule
    seed: int = 0
    device: str = "cpu"
    lip_rates: tuple[int, ...] = LIP_RATES

    def prepare(self, minutes: float | None) -> bool:
        """Compute what the encoders make of talking heads; True if all is there.

        Raises:
            UserError: No heads have been drawn.
        """
        heads = self.work / "lips" / "heads"
        if not any(heads.glob("*.pt")):
            raise UserError(
                f"There are no talking heads in {heads}: run antiphon train lips first."
            )
        whisper = weights.read_config(self.start, MomeConfig).whisper
        seen = seen_speech.SeenSpeech(
            heads,
            Transcriber.load(weights.path(whisper)),
            lip_encoder.load(self.lips),
            Babble.of(self.data, "train", self.seed),
        )
        most = 24 * 60 if minutes is None else minutes
        return seen.build(self.work / "mome" / "seen", minutes=most, seed=self.seed)

    def train(self, minutes: float | None = None) -> bool:
        """Train on both corpora and write what was learnt.

        Args:
            minutes: time to take at most, for each stage.

        Returns:
            True if the last step was reached.
        """
        torch.manual_seed(self.seed)
        model, work, plan = self.model(), self.work / "mome", self.schedule
        places = spoken_characters.read(work / job.SPOKEN)
        heard = Batches(job.heard(self.corpus), places, model)
        seen = ordered(
            row(model, clip.frames, clip.text, clip.places, clip.lips)
            for clip in seen_speech.read(work / "seen")
        )

        def losses(step: int) -> Mapping[str, torch.Tensor]:
            rng = np.random.default_rng([self.seed, step, 2])
            kind = "seen" if rng.random() < SEEN else "heard"
            if kind == "seen":
                rows = [some(each, rng) for each in alike(seen, 1.0, plan.batch, rng)]
            else:
                rows = heard.draw(step, self.seed + 2, plan.batch)
            rate = plan.rate(step, self.seed, model.config.rates)
            lips = [each.lips for each in rows]
            found = model.losses(
                [each.frames for each in rows],
                [each.tokens for each in rows],
                rate,
                lips if any(part is not None for part in lips) else (),
                int(rng.choice(self.lip_rates)),
            )
            return {**found, f"{kind}_{rate}": found["text"].detach()}

        done = self._warm_up(model, seen, minutes) and loop.fit(
            model, losses, loop.Schedule(plan.steps, job.RATE / 2, min(100, plan.steps // 4 + 1)),
            work / self.out.name, minutes=minutes, seed=self.seed,
            save_every=max(50, plan.steps // 10),
        )  # fmt: skip
        save(model, self.out, variant="mome", seed=self.seed, seen_steps=plan.steps)
        return done

    def model(self) -> MomeModel:
        """What was trained to hear, with projectors of lips that know nothing."""
        hears = load(self.start)
        width = lip_encoder.load(self.lips).config.width
        config = replace(hears.config, lips=self.lips, lip_rates=self.lip_rates, lip_width=width)
        model = fresh(config, self.device)
        model.load_state_dict(hears.added(), strict=False)
        return model

    def _warm_up(self, model: MomeModel, seen: Sequence[Row], minutes: float | None) -> bool:
        """Train the projectors of lips alone; True if they are done."""
        plan = self.schedule

        def losses(step: int) -> Mapping[str, torch.Tensor]:
            rng = np.random.default_rng([self.seed, step, 3])
            rate = int(rng.choice(self.lip_rates))
            return warm_lip_losses(model, alike(seen, 1.0, 2 * plan.batch, rng), rate)

        return loop.fit(
            model.lip_projectors, losses,
            loop.Schedule(plan.warm_steps, job.WARM_RATE, min(100, plan.warm_steps // 4 + 1)),
            self.work / "mome" / f"{self.out.name}-projectors", minutes=minutes, seed=self.seed,
        )  # fmt: skip


def some(seen: Row, rng: np.random.Generator) -> Row:
    """A talking head that is heard and seen, or only one of both."""
    chance = rng.random()
    if chance < SOUND_ONLY:
        return replace(seen, lips=None)
    return replace(seen, frames=seen.frames[:0]) if chance < SOUND_ONLY + LIPS_ONLY else seen
