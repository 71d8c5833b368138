"""Spoken question answering: is the right answer written, and is it in what a listener hears?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from antiphon.evaluation.judges import Pcm
from antiphon.evaluation.material import Question
from antiphon.evaluation.scores import holds_answer, mean, wilson_interval

WAYS = ("text", "s2t", "cascade")
"""The question is read; heard as the agent hears it; or transcribed first."""
DRAWS = 2000
"""Resamplings of the questions for the interval of a ratio."""


@dataclass(frozen=True)
class Answer:
    """A reply as it was written, and what a recognizer hears when it is spoken."""

    written: str
    recognize: Callable[[], str]


Way = Callable[[str, Pcm], Answer]
"""Answers a question given as text and as sound at 16 kHz; looks at one of them."""


def evaluate(
    questions: Sequence[Question],
    speakers: Sequence[Callable[[str], Pcm]],
    ways: Mapping[str, Way],
) -> dict[str, Any]:
    """Ask every question in every way, and listen to the answers of the agent's own way.

    A reply that does not hold the answer in writing is wrong and is not spoken: what a recognizer
    may hear in it by chance is no answer.

    Args:
        questions: what is asked.
        speakers: who asks, in turn.
        ways: "text", "s2t" and "cascade"; the last two are one if the agent transcribes first.
    """
    right: dict[str, list[bool]] = {way: [] for way in (*WAYS, "s2s")}
    for i, question in enumerate(tqdm(questions, desc="qa", unit="question")):
        pcm = speakers[i % len(speakers)](question.text)
        answers = {ask: ask(question.text, pcm) for ask in dict.fromkeys(ways.values())}
        for way in WAYS:
            right[way].append(holds_answer(answers[ways[way]].written, question.answers))
        written, said = right["s2t"][-1], answers[ways["s2t"]]
        heard = written and holds_answer(said.recognize(), question.answers)
        right["s2s"].append(heard)
    return compared(right)


def compared(right: Mapping[str, Sequence[bool]]) -> dict[str, Any]:
    """The table: shares in percent with their 95 % intervals (Wilson), and ratios with theirs.

    Args:
        right: for every way, and for "s2s", whether each question was answered rightly.
    """
    result: dict[str, Any] = {}
    for way, found in right.items():
        low, high = wilson_interval(sum(found), len(found))
        result[f"accuracy_{way}"] = round(100 * mean(found), 2)
        result[f"interval_{way}"] = [round(100 * low, 1), round(100 * high, 1)]
    for name, way in (("ratio", "s2t"), ("heard_ratio", "s2s"), ("cascade_ratio", "cascade")):
        result[name], result[f"{name}_interval"] = ratio(right[way], right["text"])
    return {**result, "questions": len(right["text"])}


def ratio(
    some: Sequence[bool], base: Sequence[bool], seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """How many right answers there are for each of the base, and its 95 % interval.

    Questions are drawn in pairs (percentile bootstrap), draws in which the base has none left
    out; NaN where it has none at all.
    """
    pairs = np.array([some, base], float)
    count = pairs.shape[1]
    drawn = np.random.default_rng(seed).integers(0, max(count, 1), (DRAWS, count))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = pairs[0].sum() / pairs[1].sum()
        ratios = pairs[0][drawn].sum(1) / pairs[1][drawn].sum(1)
    known = ratios[np.isfinite(ratios)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
    return round(float(found), 4), (round(float(low), 3), round(float(high), 3))
