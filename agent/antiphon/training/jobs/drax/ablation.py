"""What Drax's path is worth: the same decoder on four paths, at equal steps, from several seeds.

A queue of short runs that goes on where it was cut. Each starts from the same warm decoder and the
same settled middle, so that paths alone differ (the experiment of Navon et al., fig. 3, small).
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from antiphon import weights
from antiphon.compute import torch_device
from antiphon.errors import UserError
from antiphon.recognition.drax.path import MixturePath
from antiphon.recognition.drax.vocabulary import SubVocabulary
from antiphon.training import loop
from antiphon.training.corpora.hearing import recognition
from antiphon.training.corpora.hearing.recognition import Clip
from antiphon.training.jobs.drax import job
from antiphon.training.jobs.drax.batches import Batches
from antiphon.training.jobs.drax.evaluation import counts
from antiphon.training.jobs.drax.losses import decoder_losses

PATHS = {
    "uniform source": MixturePath(middle=False),
    "uniform source, uniform middle": MixturePath(blind=True),
    "uniform source, audio middle": MixturePath(),
    "audio source": MixturePath(middle=False, heard=True),
}
STEPS = 8
"""Evaluations of the decoder that are compared."""
DRAWS = 2000
"""Draws of the bootstrap."""


def run(
    work: Path, *, steps: int, seeds: int, minutes: float, device: str = "cpu"
) -> dict[str, Any]:
    """Train what is missing, as far as the time goes, and compare what is there.

    Args:
        work: folder of `antiphon train drax`, whose middle is trained.
        steps: of each run.
        seeds: runs of each path.
        minutes: time to take at most.
        device: where it is trained: "cpu", "cuda" and so on; words are counted on the CPU.

    Raises:
        UserError: There is no corpus or middle, or no such device.
    """
    if not (work / "middle" / "checkpoint.pt").exists():
        raise UserError(f"{work} has no trained middle: run `antiphon train drax` first.")
    place = torch_device.chosen(device)
    deadline = time.monotonic() + 60 * minutes
    queue = list(itertools.product(range(seeds), PATHS))
    missing = [each for each in queue if not _result(work, *each).exists()]
    batches, dev, kept = _material(work) if missing else (None, [], [])
    for seed, name in tqdm(missing, desc="paths", unit="run"):
        left = (deadline - time.monotonic()) / 60
        if left <= 0 or not batches:
            break
        torch.manual_seed(seed)
        vocabulary = SubVocabulary(weights.path(job.WHISPER) / "tokenizer.json", kept)
        model = job.fresh(vocabulary)
        loop.load(work / "middle", model.middle)
        model.middle.requires_grad_(False)
        model.to(place)
        file = _result(work, seed, name)

        def losses(step: int, model: Any = model, name: str = name, seed: int = seed) -> Any:
            model.middle.eval()
            batch = batches.draw(step, seed).to(place)
            with place:
                return decoder_losses(model, batch, PATHS[name])

        schedule = loop.Schedule(steps, job.DECODER_RATE, warmup=min(100, steps // 4))
        if not loop.fit(model, losses, schedule, file.parent, minutes=left, seed=seed):
            break
        with torch.no_grad():
            found = counts(model.cpu().eval(), dev, vocabulary, (STEPS,), PATHS[name])
        file.write_text(json.dumps([[each.wrong[STEPS], each.words] for each in found]))
    return table(work, steps, seeds)


def _result(work: Path, seed: int, name: str) -> Path:
    return work / "ablation" / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}" / "errors.json"


def _material(work: Path) -> tuple[Batches, list[Clip], list[int]]:
    """Batches with hints, held-out clips and the vocabulary."""
    file = weights.path(job.WHISPER) / "tokenizer.json"
    kept = json.loads((work / job.VOCABULARY).read_text("utf-8"))
    vocabulary = SubVocabulary(file, kept)
    model = job.fresh(vocabulary)
    loop.load(work / "middle", model.middle)
    clips = recognition.read(work / recognition.CORPUS)
    batches = Batches(clips, vocabulary, model.end, model.decoder.config.length)
    batches.listen(model, work / "hints.pt")
    return batches, recognition.read_dev(work), kept


def table(work: Path, steps: int, seeds: int) -> dict[str, Any]:
    """Word error rates in percent by path, with 95 % intervals over clips and seeds."""
    rows = {name: _rates(work, name, seeds) for name in PATHS}
    return {"steps": steps, "evaluations": STEPS, **{n: row for n, row in rows.items() if row}}


def _rates(work: Path, name: str, seeds: int) -> Mapping[str, Any]:
    files = [_result(work, seed, name) for seed in range(seeds)]
    found = [np.array(json.loads(file.read_text())) for file in files if file.exists()]
    if not found:
        return {}
    errors = np.stack(found)  # [seeds, clips, wrong and words]
    rng = np.random.default_rng(0)
    runs = rng.integers(len(errors), size=(DRAWS, len(errors)))
    clips = rng.integers(errors.shape[1], size=(DRAWS, errors.shape[1]))
    drawn = [errors[r][:, c].sum((0, 1)) for r, c in zip(runs, clips, strict=True)]
    rates = [100 * wrong / max(1, words) for wrong, words in drawn]
    wrong, words = errors.sum((0, 1))
    return {
        "wer": round(float(100 * wrong / max(1, words)), 2),
        "interval": [round(float(p), 2) for p in np.percentile(rates, [2.5, 97.5])],
        "seeds": len(errors),
        "clips": int(errors.shape[1]),
    }
