"""How likely a language model takes it that somebody says a text to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import torch

from antiphon.llm.chat_template import encode, split_at_question
from antiphon.llm.cpu.model import CpuLanguageModel

ENDS = (".", "?", "!", "...")
"""Tokens with which a sentence ends, beside the mark of the turn's end."""


class TextLikelihood:
    """Log-likelihoods of what a user may have said.

    Args:
        llm: an instruct model; a small one will do.
    """

    def __init__(self, llm: CpuLanguageModel) -> None:
        self.llm = llm
        before, after = split_at_question(llm.tokenizer)
        marks = (encode(llm.tokenizer, mark) for mark in ENDS)
        self._ends = [after[0], *(mark[0] for mark in marks if len(mark) == 1)]
        self._last, self._before = before[-1], llm.start(before[:-1])

    def __call__(self, texts: Sequence[str]) -> list[float]:
        """Natural log-likelihoods that somebody says each of several texts, and ends there.

        However they are written: without the marks at their ends, and beginning with a capital.
        """
        rows = [encode(self.llm.tokenizer, plain(text)) for text in texts]
        alike = takewhile(lambda each: len(set(each)) == 1, zip(*rows, strict=False))
        shared = sum(1 for _ in alike)
        known, state = self.llm.follow([self._last, *rows[0][:shared]], self._before)
        found = []
        for row in rows:
            rest, follows = row[shared:], known[-1:]
            if rest:
                follows = torch.cat([follows, self.llm.follow(rest, state)[0]])
            log_probs = follows.log_softmax(-1)
            said = log_probs[torch.arange(len(rest)), rest].sum()
            found.append(float(said + log_probs[-1, self._ends].logsumexp(0)))
        common = known.log_softmax(-1)[torch.arange(shared), rows[0][:shared]].sum()
        return [float(common) + each for each in found]


def plain(text: str) -> str:
    """A text as a sentence without its end."""
    bare = text.strip().rstrip(" .?!,;:")
    return bare[:1].upper() + bare[1:]
