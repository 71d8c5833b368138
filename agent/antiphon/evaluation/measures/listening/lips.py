"""What lips add to sound: held-out talking heads in babble, heard, seen, and both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from antiphon.evaluation.measures.listening.mome import BATCH, interval, rounded
from antiphon.evaluation.scores import Errors, difference_interval, total, word_errors
from antiphon.recognition.mome.lip_encoder import LipEncoder
from antiphon.recognition.mome.model import MomeModel
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.training.corpora.hearing.babble import Babble
from antiphon.training.corpora.lips.seen_speech import lip_states
from antiphon.training.jobs.mome.lips import TalkingHeads

LEVELS = (-5.0, 0.0, 5.0)
"""Decibels of the voice above babble."""
RATE, LIP_RATE = 4, 2


@dataclass(frozen=True)
class Head:
    """A held-out talking head."""

    text: str
    lips: torch.Tensor
    """[T, lip_width] states."""
    heard: Sequence[torch.Tensor]
    """[2 T, width] states of its sound, by level."""


def heads(data: Path, count: int, encoder: AudioEncoder, lips: LipEncoder, seed: int) -> list[Head]:
    """Draw held-out heads, shortest first, each in the same babble at every level."""
    drawn, babble = TalkingHeads(data, held_out=True), Babble.of(data, "dev", seed)
    found = []
    for number in tqdm(range(count), desc="talking heads", unit="head"):
        row = drawn.row(number, seed)
        pcm = row["pcm"].float().numpy() / 32768
        heard = [
            encoder.whole(babble.over(pcm, level, np.random.default_rng([seed, number])))
            for level in LEVELS
        ]
        found.append(Head(row["text"], lip_states(lips, row["pictures"]), heard))
    return sorted(found, key=lambda head: len(head.lips))


def evaluate(found: Sequence[Head], model: MomeModel, rate: int, lip_rate: int) -> dict[str, Any]:
    """Word errors by ear, by eye and by both.

    Returns:
        `wer_lips`, and by level in dB `wer_sound`, `wer_both` and `av_gain`, the points by which
        the second is lower, with intervals.
    """
    seen = errors(found, model, rate, lip_rate, None, lips=True)
    result: dict[str, Any] = {
        "heads": len(found),
        "rate": rate,
        "lip_rate": lip_rate,
        "wer_lips": round(total(seen).percent, 3),
        "wer_lips_interval": interval(seen),
        "av_gain": {},
    }
    for at, level in enumerate(LEVELS):
        sound = errors(found, model, rate, lip_rate, at, lips=False)
        both = errors(found, model, rate, lip_rate, at, lips=True)
        result["av_gain"][f"{level:g}"] = {
            "wer_sound": round(total(sound).percent, 3),
            "wer_both": round(total(both).percent, 3),
            "points": round(total(sound).percent - total(both).percent, 3),
            "interval": rounded(difference_interval(sound, both)),
        }
    return result


def errors(
    found: Sequence[Head],
    model: MomeModel,
    rate: int,
    lip_rate: int,
    level: int | None,
    *,
    lips: bool,
) -> list[Errors]:
    """Errors in each head.

    Args:
        found: the heads.
        model: that hears and sees.
        rate: of the sound.
        lip_rate: of the lips.
        level: place among `LEVELS` of the sound that is heard; None: none is.
        lips: whether they are seen.
    """
    made = list[Errors]()
    for first in tqdm(range(0, len(found), BATCH), desc="transcribing", unit="batch", leave=False):
        part = found[first : first + BATCH]
        frames = [h.heard[0][:0] if level is None else h.heard[level] for h in part]
        seen = [h.lips for h in part] if lips else ()
        for head, written in zip(part, model.write(frames, rate, seen, lip_rate), strict=True):
            made.append(word_errors(head.text, model.decode(written.tokens)))
    return made
