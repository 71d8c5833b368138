"""What a reply is worth: word errors, and whether it holds the answer. Pure functions."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Errors:
    """Word errors of a recognizer, or of a voice through a recognizer."""

    wrong: int = 0
    """Words replaced, left out or added."""
    words: int = 0
    """Words that should have been there."""

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.wrong + other.wrong, self.words + other.words)

    @property
    def percent(self) -> float:
        """Word error rate in percent; NaN without words."""
        return 100 * self.wrong / self.words if self.words else float("nan")


def word_errors(said: str, recognized: str) -> Errors:
    """Errors between two texts, after Whisper's English normalization of both."""
    import jiwer

    reference, hypothesis = normalized(said), normalized(recognized)
    if not reference:
        return Errors(len(hypothesis.split()), 0)
    result = jiwer.process_words(reference, hypothesis)
    wrong = result.substitutions + result.deletions + result.insertions
    return Errors(wrong, len(reference.split()))


def total(errors: Iterable[Errors]) -> Errors:
    """Errors of many texts together."""
    return sum(errors, Errors())


def normalized(text: str) -> str:
    """Lower-case words without punctuation; numbers in digits; no contractions."""
    return str(_normalizer()(text))


@lru_cache(maxsize=1)
def _normalizer() -> Any:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    return EnglishTextNormalizer({})


def tokens(text: str) -> list[str]:
    """Lower-case runs of letters, digits and marks, and every other visible sign on its own."""
    found: list[str] = []
    run = ""
    for sign in unicodedata.normalize("NFD", text).lower():
        kind = unicodedata.category(sign)[0]
        if kind in "LNM":
            run += sign
            continue
        if run:
            found.append(run)
            run = ""
        if kind not in "ZC":
            found.append(sign)
    return [*found, run] if run else found


def holds_answer(reply: str, answers: Iterable[str]) -> bool:
    """Tells whether the tokens of any answer occur in the reply, one after another.

    The rule of open-domain question answering (DPR's `has_answer`), which UltraEval-Audio applies
    to recognized speech and EchoX is judged by.
    """
    heard = tokens(reply)
    return any(_occurs(wanted, heard) for wanted in map(tokens, answers) if wanted)


def _occurs(part: Sequence[str], whole: Sequence[str]) -> bool:
    size = len(part)
    return any(whole[i : i + size] == part for i in range(len(whole) - size + 1))


def wilson_interval(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's score interval); NaN of nothing."""
    if not of:
        return float("nan"), float("nan")
    z, share = 1.96, right / of
    middle = share + z * z / (2 * of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    below = 1 + z * z / of
    return (middle - reach) / below, (middle + reach) / below


def mean(values: Sequence[float]) -> float:
    """Mean; NaN of nothing."""
    return sum(values) / len(values) if values else float("nan")


def mean_interval(values: Sequence[float], seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """The 95 % interval of a mean, by bootstrap; NaN of nothing."""
    import numpy as np

    if not values:
        return float("nan"), float("nan")
    rows = np.random.default_rng(seed).integers(len(values), size=(draws, len(values)))
    low, high = np.quantile(np.array(values)[rows].mean(1), [0.025, 0.975])
    return float(low), float(high)


def ratio_interval(
    parts: Sequence[float], wholes: Sequence[float], seed: int = 0, draws: int = 2000
) -> tuple[float, float]:
    """The 95 % interval of a ratio of sums, by bootstrap; NaN of nothing.

    Args:
        parts: of each text or recording, what is counted.
        wholes: of each, out of how much.
        seed: of the draws.
        draws: how many.
    """
    import numpy as np

    counts = np.array([parts, wholes], float)
    if not counts[1].any():
        return float("nan"), float("nan")
    rows = np.random.default_rng(seed).integers(len(parts), size=(draws, len(parts)))
    above, below = counts[:, rows].sum(-1)
    low, high = np.percentile(above / below.clip(min=1), [2.5, 97.5])
    return float(low), float(high)


def difference_interval(
    one: Sequence[Errors], other: Sequence[Errors], seed: int = 0, draws: int = 2000
) -> tuple[float, float]:
    """The 95 % interval of the difference of two word error rates on the same texts, in points.

    Paired bootstrap over texts (Bisani and Ney 2004); NaN without texts.
    """
    import numpy as np

    if not one:
        return float("nan"), float("nan")
    counts = np.array(
        [[a.wrong, a.words, b.wrong, b.words] for a, b in zip(one, other, strict=True)]
    )
    rows = np.random.default_rng(seed).integers(len(counts), size=(draws, len(counts)))
    sums = counts[rows].sum(1)
    words = np.maximum(sums[:, [1, 3]], 1)
    rates = 100 * sums[:, [0, 2]] / words
    low, high = np.quantile(rates[:, 0] - rates[:, 1], [0.025, 0.975])
    return float(low), float(high)
