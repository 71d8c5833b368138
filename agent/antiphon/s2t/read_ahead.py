"""Reads the beginning of a question into the language model while the rest is still spoken."""

from __future__ import annotations

from typing import Any

import torch

from antiphon.llm.language_model import LanguageModel

HELD_BACK = 2
"""Embeddings at the end of what two hearings agree on that may still change."""
AT_ONCE = 4
"""Embeddings that are worth a reading."""


class ReadAhead:
    """What a language model has read of one question so far.

    What two successive hearings begin with is read. If the question turns out to begin otherwise,
    it is read anew, and nothing but work is lost.

    Args:
        llm: the language model.
        cache: what it has read in front of the question.
    """

    def __init__(self, llm: LanguageModel, cache: Any) -> None:
        self._llm = llm
        self._front = self._cache = cache
        self._read = self._last = llm.embeddings[:0]

    def offer(self, embeddings: torch.Tensor) -> None:
        """Take [S, H], the question as it is heard just now."""
        stable = agreed(self._last, embeddings) - HELD_BACK
        done, self._last = len(self._read), embeddings
        if agreed(self._read, embeddings) < done:
            if stable < AT_ONCE:
                return
            done, self._cache = 0, self._front
        if stable - done >= AT_ONCE:
            self._cache = self._llm.read(embeddings[done:stable], self._cache)[2]
            self._read = embeddings[:stable]

    def rest(self, embeddings: torch.Tensor) -> tuple[Any, torch.Tensor]:
        """Where to go on.

        Args:
            embeddings: [S, H] the whole question.

        Returns:
            The cache, and what has not been read [at least 1, H].
        """
        done = len(self._read)
        if done < len(embeddings) and agreed(self._read, embeddings) == done:
            return self._cache, embeddings[done:]
        return self._front, embeddings


def agreed(some: torch.Tensor, others: torch.Tensor) -> int:
    """How many rows at their beginnings [S, H] and [T, H] are the same."""
    both = min(len(some), len(others))
    differ = (some[:both] != others[:both]).any(-1).nonzero()
    return int(differ[0]) if len(differ) else both
