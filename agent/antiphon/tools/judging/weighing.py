"""When a language model is asked beside the sentence encoder, and how both are weighed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Weighing:
    """When a language model is asked, and how much what it says weighs.

    Fitted by `antiphon train tools --llm NAME` for one encoder and one language model.
    """

    low: float
    """Where no tool scores more, none is asked for."""
    high: float
    """A tool that scores more is asked for,"""
    lead: float
    """if it scores so much more than the next."""
    near: float
    """In doubt, tools that score so much less than the best may be meant, too,"""
    most: int
    """but only so many tools."""
    score: float
    """Weight of the encoder's score."""
    odds: float
    """Weight of the language model's log-odds."""
    bias: float
    """A tool is called if the weighted sum and this are above 0."""

    def doubtful(self, scores: Sequence[float]) -> list[int]:
        """The tools a language model is asked about, the best first; none where all is clear."""
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        best = scores[order[0]]
        clear = best > self.high and (len(order) == 1 or best - scores[order[1]] > self.lead)
        if best <= self.low or clear:
            return []
        least = max(self.low, best - self.near)
        return [i for i in order[: self.most] if scores[i] > least]

    def choose(self, scores: Sequence[float], odds: Callable[[int], float]) -> int | None:
        """The tool asked for; None: none.

        Args:
            scores: of the tools, by the encoder.
            odds: asks the language model about one of them.
        """
        asked = self.doubtful(scores)
        if not asked:
            best = max(range(len(scores)), key=scores.__getitem__)
            return best if scores[best] > self.low else None
        sums = {i: self.score * scores[i] + self.odds * odds(i) + self.bias for i in asked}
        best = max(sums, key=sums.__getitem__)
        return best if sums[best] > 0 else None
