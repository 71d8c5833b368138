"""Choosing among several texts that were drawn for the same audio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from antiphon.errors import UserError

WAYS = ("mode", "mbr", "whisper")


def choose(
    texts: Sequence[str],
    sure: Sequence[float],
    way: str,
    score: Callable[[str], float] | None = None,
) -> int:
    """Index of the best of the texts, at least one.

    Args:
        texts: as drawn, some of them alike.
        sure: mean log probability of each.
        way: mode, the commonest; mbr, the one nearest to all others (minimum Bayes risk); whisper,
            the likeliest to an autoregressive decoder.
        score: log likelihood of a text by that decoder.

    Raises:
        UserError: There is no such way, or nothing scores.
    """
    if way not in WAYS:
        raise UserError(f"There is no way of choosing '{way}': choose {', '.join(WAYS)}.")
    if len(texts) == 1:
        return 0
    if way == "mode":
        counts = Counter(texts)
        return max(range(len(texts)), key=lambda i: (counts[texts[i]], sure[i]))
    if way == "mbr":
        words = [text.split() for text in texts]
        risks = [
            sum(distance(mine, other) / max(1, len(other)) for other in words) for mine in words
        ]
        return min(range(len(texts)), key=lambda i: (risks[i], -sure[i]))
    if score is None:
        raise UserError("This recognizer has no Whisper decoder that scores: choose mode or mbr.")
    scores = {text: score(text) for text in set(texts)}
    return max(range(len(texts)), key=lambda i: (scores[texts[i]], sure[i]))


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Words replaced, left out or added from one text to the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, word in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, each in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != each))
    return row[-1]
