"""Train Drax: first its middle by CTC, then the decoder on the tri-mixture path.

The decoder starts as Whisper's. With `joint` the middle learns along, as in the paper, by
cross-entropy and CTC; else it stays as CTC left it, and what it hears in every clip is computed
once. So more can be learnt in the same time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from antiphon import weights
from antiphon.recognition.drax.checkpoint import DraxModel, save
from antiphon.recognition.drax.path import MixturePath
from antiphon.recognition.drax.vocabulary import SubVocabulary, common
from antiphon.recognition.whisper.text_decoder import TextDecoder
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.training import loop
from antiphon.training.corpora.hearing import recognition
from antiphon.training.jobs.drax.averaged import Averaged
from antiphon.training.jobs.drax.batches import Batches
from antiphon.training.jobs.drax.evaluation import error_rates
from antiphon.training.jobs.drax.losses import decoder_losses, middle_losses
from antiphon.training.jobs.drax.warm_start import warm_start

WHISPER = "whisper-tiny.en"
VOCABULARY = "vocabulary.json"
"""Which of Whisper's tokens the model has, beside the corpus."""
LEAST = 6
"""How often a token of Whisper's occurs in the texts, to be one of the model's."""
MIDDLE_RATE, DECODER_RATE = 1e-3, 1e-4
"""Peak learning rates of the stages."""
EVALUATED = 76
"""Held-out clips that are transcribed to watch the training."""


def corpus(
    data: Path,
    work: Path,
    *,
    synthetic: int,
    versions: int,
    limit: int | None,
    minutes: float,
    seed: int,
) -> bool:
    """Compute the encoder states of the corpus and of the held-out clips; True if all are there."""
    done = recognition.make(
        data, work, Transcriber.load(weights.path(WHISPER)),
        synthetic=synthetic, versions=versions, limit=limit, minutes=minutes, seed=seed,
    )  # fmt: skip
    if not (work / VOCABULARY).exists():
        kept = common(weights.path(WHISPER) / "tokenizer.json", recognition.texts(data), LEAST)
        (work / VOCABULARY).write_text(json.dumps(kept), "utf-8")
    return done


def train(
    work: Path,
    out: Path,
    *,
    middle_steps: int,
    steps: int,
    minutes: float | None = None,
    seed: int = 0,
    middle_in_path: bool = True,
    joint: bool = False,
) -> bool:
    """Train both stages on the corpus in `work` and write the model to `out`.

    Args:
        work: folder of corpus and checkpoints.
        out: folder of the finished weights.
        middle_steps: of the first stage.
        steps: of the second.
        minutes: time to take at most, for each stage.
        seed: of weights, batches and noise.
        middle_in_path: whether the path goes over the middle; False: straight from noise.
        joint: whether the middle learns along with the decoder.

    Returns:
        True if the last step was reached; what was learned until then is written in any case.
    """
    torch.manual_seed(seed)
    file = weights.path(WHISPER) / "tokenizer.json"
    clips = recognition.read(work / recognition.CORPUS)
    kept = json.loads((work / VOCABULARY).read_text("utf-8"))
    vocabulary = SubVocabulary(file, kept)
    model = fresh(vocabulary)
    batches = Batches(clips, vocabulary, model.end, model.decoder.config.length)
    dev = recognition.read_dev(work)[:EVALUATED]
    first = loop.fit(
        model.middle,
        lambda step: middle_losses(model, batches.draw(step, seed)),
        loop.Schedule(middle_steps, MIDDLE_RATE),
        work / "middle",
        minutes=minutes,
        seed=seed,
        evaluate=lambda: error_rates(model.eval(), dev, vocabulary, (0,)),
    )
    if not first:
        return False
    if not joint:
        batches.listen(model, work / "hints.pt")
        model.middle.requires_grad_(False)
    path = MixturePath(middle=middle_in_path)
    averaged_model = Averaged(model)

    def losses(step: int) -> Mapping[str, torch.Tensor]:
        averaged_model.update()
        if not joint:
            model.middle.eval()
        return decoder_losses(model, batches.draw(step, seed + 1), path)

    def evaluate() -> Mapping[str, float]:
        averaged_model.swap()
        found = error_rates(model.eval(), dev, vocabulary, (1, 4))
        averaged_model.swap()
        return found

    done = loop.fit(
        averaged_model,
        losses,
        loop.Schedule(steps, DECODER_RATE, warmup=min(100, steps // 4)),
        work / ("decoder" if middle_in_path else "decoder-straight"),
        minutes=minutes,
        seed=seed,
        evaluate=evaluate,
    )
    averaged_model.swap()
    save(model, WHISPER, out, steps={"middle": middle_steps, "decoder": int(averaged_model.steps)})
    return done


def fresh(vocabulary: SubVocabulary) -> DraxModel:
    """The model before training."""
    return warm_start(TextDecoder.load(weights.path(WHISPER)), vocabulary)
