"""What is asked, said and heard in evaluations: development sets no model is trained on."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon import audio_file, datasets
from antiphon.datasets import texts

Sound = NDArray[np.float32]

QUESTIONS = ("webquestions_dev", "efficientqa_dev")
DIALOGUES = ("sgd_dev",)
RECORDINGS = (
    "librispeech_subset",
    "small_asr_fixtures",
    "kathleen",
    "matthes_lj_sentences",
    "speechocean762",
)
PLACEHOLDERS = frozenset({"EXAMPLE OF TEXT"})
"""What stands in the place of a transcript."""
SENTENCE = re.compile(r"[^.!?]+[.!?]+(?=\s|$)")


@dataclass(frozen=True)
class Question:
    """A question of general knowledge."""

    text: str
    answers: tuple[str, ...]
    """Any of them is right."""


@dataclass(frozen=True)
class Clip:
    """A recording of a human voice."""

    part: str
    """The collection it belongs to."""
    path: Path
    text: str
    """What is said."""


def questions(data: Path, limit: int | None = None, seed: int = 0) -> list[Question]:
    """Questions of the development sets, shuffled by a seed, at most `limit`."""
    found = [
        Question(asked(row["question"]), tuple(map(str, row["answers"])))
        for name in QUESTIONS
        for row in texts(data, f"qa/{name}")
    ]
    random.Random(seed).shuffle(found)
    return found[:limit]


def asked(question: str) -> str:
    """A question as it is written: a capital first, a question mark last."""
    text = " ".join(question.split())
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in tuple(".!?") else text + "?"


def prompts(data: Path, limit: int, seed: int = 0) -> list[str]:
    """What the agent is asked in writing: questions, and first turns of dialogues, by halves."""
    openings = [row["turns"][0][1] for name in DIALOGUES for row in texts(data, f"dialogue/{name}")]
    openings = list(dict.fromkeys(openings))
    random.Random(seed).shuffle(openings)
    known = questions(data, limit - limit // 2, seed)
    mixed = [question.text for question in known] + openings[: limit - len(known)]
    random.Random(seed).shuffle(mixed)
    return mixed


def sentences(data: Path, limit: int, seed: int = 0) -> list[str]:
    """Sentences of dialogues, 4 to 30 words each."""
    turns = [
        text for name in DIALOGUES for row in texts(data, f"dialogue/{name}")
        for _, text in row["turns"]
    ]  # fmt: skip
    found = {sentence.strip() for turn in turns for sentence in SENTENCE.findall(turn)}
    kept = sorted(s for s in found if 4 <= len(s.split()) <= 30)
    random.Random(seed).shuffle(kept)
    return kept[:limit]


def clips(data: Path, limit: int | None = None) -> list[Clip]:
    """Human recordings with transcripts.

    Args:
        data: the data folder.
        limit: at most so many of each collection.

    Raises:
        UserError: a collection is not there.
    """
    found: list[Clip] = []
    for part in RECORDINGS:
        found += [
            Clip(part, row["audio"], row["text"])
            for row in datasets.clips(data / "speech" / part)
            if row["split"] == "dev" and row.get("text") and row["text"] not in PLACEHOLDERS
        ][:limit]
    return found


def changed(
    data: Path, noise: float | None, level: float | None, seed: int = 0
) -> Callable[[Sound], Sound]:
    """A function that brings recordings to a level, noise on top.

    Args:
        data: the data folder; its noises are drawn from.
        noise: decibels of speech above noise; None: no noise.
        level: peak in dB of full scale; None: as it is.
        seed: of the noises.

    Raises:
        UserError: there are no noises.
    """
    from antiphon.evaluation.turn_scenes import stretch

    rng = np.random.default_rng(seed)
    noises = [] if noise is None else [
        audio_file.read(row["audio"]) for row in datasets.clips(data / "noise")
    ]  # fmt: skip

    def change(pcm: Sound) -> Sound:
        if noise is not None:
            loudness = float(np.sqrt(np.square(pcm).mean()))
            drawn = noises[rng.integers(len(noises))]
            pcm = pcm + stretch(drawn, len(pcm), rng, loudness, -noise)
        if level is None:
            return pcm
        peak = float(np.abs(pcm).max()) or 1.0
        return np.asarray(pcm * (10 ** (level / 20) / peak), np.float32)

    return change
