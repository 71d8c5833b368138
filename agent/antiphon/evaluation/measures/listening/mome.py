"""One model at many rates: word errors, what each rate costs, and which experts it uses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from antiphon import audio_file
from antiphon.evaluation.material import Clip, Sound
from antiphon.evaluation.scores import (
    Errors,
    difference_interval,
    ratio_interval,
    total,
    word_errors,
)
from antiphon.recognition.mome.experts import Mixture, Pass
from antiphon.recognition.mome.model import MomeModel
from antiphon.recognition.mome.recognizer import MomeRecognizer
from antiphon.recognition.recognizer import SAMPLE_RATE

BATCH = 32
"""Sounds of about the same length that are written at once."""
TIMED = 12
"""Sounds whose prompt is read alone, by the clock."""


@dataclass(frozen=True)
class Heard:
    """Recordings as states of the encoder that all rates share."""

    frames: Sequence[torch.Tensor]
    texts: Sequence[str]
    left_out: int
    """Recordings that are longer than an utterance."""


def hear(
    clips: Sequence[Clip], recognizer: MomeRecognizer, change: Callable[[Sound], Sound]
) -> Heard:
    """Encode recordings, shortest first.

    Args:
        clips: with transcripts.
        recognizer: whose encoder hears.
        change: what is done to each before, such as adding noise.
    """
    found = list[tuple[torch.Tensor, str]]()
    for clip in tqdm(clips, desc="hearing", unit="clip"):
        pcm = audio_file.read(clip.path, SAMPLE_RATE)
        if len(pcm) <= recognizer.longest:
            found.append((recognizer.encoder.whole(change(pcm)), clip.text))
    found.sort(key=lambda each: len(each[0]))
    return Heard([f for f, _ in found], [t for _, t in found], len(clips) - len(found))


def evaluate(
    heard: Heard, models: Mapping[str, MomeModel], rates: Sequence[int] = ()
) -> dict[str, Any]:
    """Each model at each rate, and the first against the others where both know a rate.

    Args:
        heard: recordings, with what is said.
        models: by name; the first is what the others are compared with.
        rates: that are wanted; empty: all.
    """
    errors: dict[str, dict[int, list[Errors]]] = {}
    result: dict[str, Any] = {"clips": len(heard.frames), "clips_left_out": heard.left_out}
    for name, model in models.items():
        errors[name] = {
            rate: word_errors_at(heard, model, rate)
            for rate in tqdm(wanted(model, rates), desc=name, unit="rate")
        }
        result[name] = {
            "active_params": model.active_parameters(),
            "wer": {rate: round(total(each).percent, 3) for rate, each in errors[name].items()},
            "wer_interval": {rate: interval(each) for rate, each in errors[name].items()},
            **cost(heard, model, list(errors[name])),
        }
    first, *others = models
    if others:
        result["difference"] = {other: against(errors[first], errors[other]) for other in others}
    if uses := experts_used(heard, models[first], list(errors[first])):
        result["router"] = uses
    return result


def wanted(model: MomeModel, rates: Sequence[int]) -> list[int]:
    """Those of the rates that a model knows; of none wanted, all."""
    return [rate for rate in model.config.rates if not rates or rate in rates]


def word_errors_at(heard: Heard, model: MomeModel, rate: int) -> list[Errors]:
    """Errors in each recording."""
    found = list[Errors]()
    for first in range(0, len(heard.frames), BATCH):
        part = slice(first, first + BATCH)
        for text, written in zip(
            heard.texts[part], model.write(heard.frames[part], rate), strict=True
        ):
            found.append(word_errors(text, model.decode(written.tokens)))
    return found


def interval(errors: Sequence[Errors], seed: int = 0) -> list[float]:
    """95 % interval of a word error rate in percent, drawn over recordings."""
    bounds = ratio_interval([e.wrong for e in errors], [e.words for e in errors], seed)
    return [round(100 * bound, 3) for bound in bounds]


def against(
    one: Mapping[int, Sequence[Errors]], other: Mapping[int, Sequence[Errors]]
) -> dict[str, Any]:
    """Word error rates of one less those of the other, in points, at the rates of both."""
    both = [rate for rate in one if rate in other]
    every = [[*each] for each in ((e for r in both for e in x[r]) for x in (one, other))]
    return {
        **{
            str(rate): {
                "points": round(total(one[rate]).percent - total(other[rate]).percent, 3),
                "interval": rounded(difference_interval(one[rate], other[rate])),
            }
            for rate in both
        },
        "average": {
            "points": round(total(every[0]).percent - total(every[1]).percent, 3),
            "interval": rounded(difference_interval(every[0], every[1])),
        },
    }


def rounded(bounds: tuple[float, float]) -> list[float]:
    """An interval as it is printed."""
    return [round(bound, 3) for bound in bounds]


@torch.no_grad()
def cost(heard: Heard, model: MomeModel, rates: Sequence[int]) -> dict[str, Any]:
    """What each rate costs.

    Returns:
        `tokens`: vectors that stand for a second of sound. `prefill_ms`: the language model reads
        what is in front of the text, in the median over some recordings, each alone.
    """
    seconds = sum(map(len, heard.frames)) / 50
    some = heard.frames[:: max(1, len(heard.frames) // TIMED)][:TIMED]
    tokens, spent = {}, {}
    for rate in rates:
        count = sum(-(-len(frames) // rate) for frames in heard.frames)
        tokens[rate] = round(count / max(seconds, 1e-9), 2)
        spent[rate] = round(1000 * float(np.median([read(model, f, rate) for f in some])), 1)
    return {"tokens": tokens, "prefill_ms": spent}


def read(model: MomeModel, frames: torch.Tensor, rate: int) -> float:
    """Seconds that the language model takes for all that stands in front of a text."""
    begun = time.perf_counter()
    (prompt,) = model.prompted([frames], rate)
    with model.precision(), Pass(model.scale(rate)):
        states = model.llm.get_decoder()(inputs_embeds=prompt[None], use_cache=False)
    float(states.last_hidden_state[0, -1, 0])  # a GPU is waited for
    return time.perf_counter() - begun


@torch.no_grad()
def experts_used(heard: Heard, model: MomeModel, rates: Sequence[int]) -> dict[str, Any]:
    """Whether rates use the same experts for sound: correlations of use, the mean over layers.

    Returns:
        Nothing for a model without routers. `agreement`: of each pair of rates, and `agreement_
        mean`; `even`: the exponential of the entropy of use over the number of experts, by rate.
    """
    mixtures = [each for each in model.adapters.values() if isinstance(each, Mixture)]
    if not mixtures or not mixtures[0].config.top_k:
        return {}
    uses = {}
    for rate in rates:
        each = list[torch.Tensor]()
        for frames in tqdm(heard.frames, desc=f"experts at {rate}", unit="clip"):
            (prompt,) = model.prompted([frames], rate)
            sound = torch.ones(1, len(prompt), dtype=torch.bool, device=model.device)
            sound[:, 0] = sound[:, len(prompt) - len(model.prompt) :] = False
            with model.precision(), Pass(model.scale(rate), sound) as now:
                model.llm.get_decoder()(inputs_embeds=prompt[None], use_cache=False)
            each.append(torch.stack(now.uses) * len(prompt))
        total_use = torch.stack(each).sum(0)
        uses[rate] = (total_use / total_use.sum(-1, keepdim=True)).double()
    pairs = {
        f"{one}, {other}": round(correlation(uses[one], uses[other]), 3)
        for i, one in enumerate(rates)
        for other in rates[i + 1 :]
    }
    return {
        "agreement": pairs,
        "agreement_mean": round(float(np.mean([*pairs.values()])), 3) if pairs else None,
        "even": {rate: round(evenness(use), 3) for rate, use in uses.items()},
    }


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """Pearson's correlation of rows [layers, experts], in the mean over layers."""
    a, b = (each - each.mean(-1, keepdim=True) for each in (one, other))
    return float(torch.nn.functional.cosine_similarity(a, b, dim=-1).mean())


def evenness(use: torch.Tensor) -> float:
    """1 if all experts of rows [layers, experts] are used alike, 1 / experts if one does it all."""
    entropy = -(use * use.clamp(min=1e-12).log()).sum(-1)
    return float((entropy.exp() / use.shape[-1]).mean())
