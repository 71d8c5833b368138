"""Train the stop-word spotter on recorded commands mixed with other speech."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from antiphon.mel import HOP, WINDOW
from antiphon.runtime.frames import FRAME, RATE
from antiphon.runtime.turns.stop_word import BANDS, DILATIONS, features
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.corpora.hearing.stop_word_scenes import (
    MAX_DELAY,
    SCENE_SAMPLES,
    WORD,
    Material,
    Scenes,
    Sound,
    spoken,
    unit,
)

MAX_ALARMS_PER_HOUR = 0.5
"""False alarms per hour on the training speakers; sets the threshold."""
SIMILAR_WORDS = (
    "top",
    "stock",
    "step",
    "shop",
    "drop",
    "stuff",
    "start",
    "store",
    "star",
    "spot",
    "stamp",
)
"""Similar-sounding words, spoken by synthetic voices."""


class Spotter(nn.Module):
    """The network that `runtime.stop_word` runs frame by frame.

    Args:
        width: channels.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.first = nn.Linear(2 * BANDS, width)
        self.blocks = nn.ModuleList(nn.Conv1d(width, width, 3, dilation=d) for d in DILATIONS)
        self.last = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map features [B, T, 2 * BANDS] to logits [B, T]."""
        h = F.relu(self.first(x)).transpose(1, 2)
        for block, dilation in zip(self.blocks, DILATIONS, strict=True):
            h = h + F.relu(block(F.pad(h, (2 * dilation, 0))))
        scores: torch.Tensor = self.last(h.transpose(1, 2))[..., 0]
        return scores

    def save(self, folder: Path, threshold: float) -> None:
        """Write the weights and the threshold for the runtime."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        named: dict[str, Any] = {
            "in.weight": self.first.weight,
            "in.bias": self.first.bias,
            "out.weight": self.last.weight[0],
            "out.bias": self.last.bias[0],
        }
        for i, block in enumerate(self.blocks):
            assert isinstance(block, nn.Conv1d)
            named[f"{i}.weight"] = block.weight.permute(0, 2, 1).flatten(1)
            named[f"{i}.bias"] = block.bias
        arrays = {k: v.detach().numpy().copy() for k, v in named.items()}
        arrays["threshold"] = np.array(threshold, np.float32)
        save_file(arrays, folder / "stop.safetensors")


def losses(logits: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Loss of `logits` [B, T] for words that end at frames `ends` [B]; -1 means no word.

    The highest logit from 1 frame before to 240 ms (`MAX_DELAY`) after the end of the word must
    fire. Frames more than 4 before or more than 30 after the end must not; the rest may do either.
    """
    frames = torch.arange(logits.shape[1])
    since = frames[None] - ends[:, None]
    word = ends[:, None] >= 0
    moment = word & (since >= -1) & (since <= MAX_DELAY // FRAME)
    elsewhere = ~word | (since < -4) | (since > 30)
    missed = F.softplus(-logits.masked_fill(~moment, -30).amax(1))
    false = F.softplus(logits) * elsewhere
    worst = F.softplus(logits.masked_fill(~elsewhere, -30).amax(1))
    return (missed * word[:, 0]).mean() + worst.mean() + 2 * false.mean()


class Training:
    """Trains on scenes, mines hard negatives from all other speech, and trains on those as well.

    Args:
        material: the train split.
        augment: its rooms and noises are used.
        scenes: number of scenes of each kind.
        seed: of weights, scenes and batches.
    """

    def __init__(self, material: Material, augment: Augment, scenes: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.spotter = Spotter()
        maker = Scenes(material, augment, seed)
        made = [maker.positive() for _ in tqdm(range(scenes), desc="scenes with the word")]
        self.words = [features(pad(scene)) for scene, _ in made]
        self.ends = np.array([end // FRAME for _, end in made])
        made_others = (maker.negative() for _ in tqdm(range(scenes), desc="scenes without"))
        self.others = [features(pad(scene)) for scene in made_others]
        self.material = material

    def run(self, steps: int, rounds: int = 3, batch: int = 64) -> None:
        """Train for `steps` in total; hard negatives are mined between the rounds."""
        hard: list[NDArray[np.float32]] = []
        optimizer = torch.optim.AdamW(self.spotter.parameters(), 3e-3, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
        with tqdm(total=steps, desc="stop word", unit="step") as bar:
            for step in range(steps):
                if step and step % max(1, steps // rounds) == 0:
                    hard += self.fooled()
                x, ends = self._batch(batch, hard)
                loss = losses(self.spotter(x), ends)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.spotter.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                bar.update()
                bar.set_postfix(loss=f"{loss.item():.3f}")

    def _batch(
        self, size: int, hard: list[NDArray[np.float32]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        words = self.rng.integers(len(self.words), size=size // 2)
        rows = [self.words[i] for i in words]
        pool = [hard, self.others] if hard else [self.others]
        rows += [
            chosen[self.rng.integers(len(chosen))]
            for chosen in (pool[i % len(pool)] for i in range(size - len(words)))
        ]
        louder = self.rng.uniform(-0.4, 0.2, (size, 1, 1))  # in decades: features are log
        ends = np.concatenate([self.ends[words], np.full(size - len(words), -1)])
        x = np.stack(rows) + louder
        return torch.from_numpy(x).float(), torch.from_numpy(ends)

    @torch.no_grad()
    def fooled(self, clips: int = 2500, most: int = 800) -> list[NDArray[np.float32]]:
        """Hard negatives: features [T, 2 * BANDS] of the up to `most` highest-scoring pieces."""
        found: list[tuple[float, NDArray[np.float32]]] = []
        frames = SCENE_SAMPLES // FRAME
        chosen = self.rng.permutation(len(self.material.others))[:clips]
        for i in tqdm(chosen, desc="what fools it", unit="clip", leave=False):
            clip = self.material.others[i]
            x = features(pad(np.pad(unit(clip), (0, SCENE_SAMPLES))))
            scores = self.spotter(torch.from_numpy(x)[None])[0]
            at = int(scores.argmax())
            start = max(0, min(at - frames + 20, len(x) - frames))
            found.append((float(scores[at]), x[start : start + frames]))
        found.sort(key=lambda pair: -pair[0])
        return [x for _, x in found[:most]]


def pad(scene: Sound) -> Sound:
    """Prepend the silence that the first windows of the runtime contain."""
    return np.pad(scene, (WINDOW - HOP, 0))


@torch.no_grad()
def measure(spotter: Spotter, material: Material, augment: Augment, seed: int) -> Measured:
    """Score random scenes, two per recorded word, and all other speech unmodified."""
    scenes = Scenes(Material(material.words, material.others), augment, seed)
    hits, alarms = [], []
    for _ in range(2 * len(material.words)):
        scene, end = scenes.positive()
        scores = spotter(torch.from_numpy(features(pad(scene)))[None])[0]
        moment = scores[end // FRAME - 4 : (end + 2 * MAX_DELAY) // FRAME]
        hits.append(float(moment.max()))
    for clip in tqdm(material.others, desc="other speech", unit="clip", leave=False):
        x = features(pad(np.pad(clip, (0, RATE // 2))))
        alarms.append(float(spotter(torch.from_numpy(x)[None])[0].max()))
    hours = sum(map(len, material.others)) / RATE / 3600
    return Measured(np.array(hits), np.array(alarms), hours)


@dataclass(frozen=True)
class Measured:
    """Highest logits of scenes with the word (hits) and of clips without it (alarms)."""

    hits: NDArray[np.float64]
    alarms: NDArray[np.float64]
    hours: float
    """Hours of other speech."""

    def threshold(self, alarms_an_hour: float) -> float:
        """Probability threshold that gives this many false alarms per hour."""
        allowed = int(alarms_an_hour * self.hours)
        logit = np.sort(self.alarms)[::-1][min(allowed, len(self.alarms) - 1)] + 1e-3
        return float(1 / (1 + np.exp(-logit)))

    def report(self, threshold: float) -> dict[str, float]:
        """Share of words detected, and false alarms per hour."""
        logit = np.log(threshold / (1 - threshold))
        return {
            "recall": float((self.hits >= logit).mean()),
            "false_alarms_per_hour": float((self.alarms >= logit).sum() / self.hours),
            "words": len(self.hits),
            "hours_of_other_speech": self.hours,
        }


def train(
    data: Path,
    out: Path,
    *,
    scenes: int = 1500,
    steps: int = 2400,
    seed: int = 0,
    limit: int | None = None,
    piper: Path | None = None,
) -> dict[str, Any]:
    """Train a spotter into `out` and evaluate it on unseen speakers.

    Args:
        data: the data folder (docs/data.md).
        out: folder for `stop.safetensors` and `measured.json`.
        scenes: number of scenes of each kind.
        steps: optimizer steps.
        seed: of all random choices.
        limit: maximum clips per collection; None for all.
        piper: folder of a Piper voice that also says the word; None for no Piper voice.

    Returns:
        The measured figures.

    Raises:
        UserError: a collection is missing.
    """
    material = Material.read(data, "train", limit)
    recorded = list(material.words)
    material.words.extend(spoken([f"{WORD.title()}!"], piper))
    material.others.extend(spoken([f"{word}." for word in SIMILAR_WORDS], None))
    augment = Augment(data)
    training = Training(material, augment, scenes, seed)
    training.run(steps)
    some = training.rng.permutation(len(material.others))[:2000]
    heard = Material(recorded, [material.others[i] for i in some])
    threshold = measure(training.spotter, heard, augment, seed).threshold(MAX_ALARMS_PER_HOUR)
    report = measure(training.spotter, Material.read(data, "dev", limit), augment, seed + 1)
    training.spotter.save(out, threshold)
    measured = {"threshold": threshold, **report.report(threshold)}
    (out / "measured.json").write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    return measured
