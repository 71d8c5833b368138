"""Which of the announced tools an utterance asks for, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from antiphon.tools.matcher import EncodedText, Matcher
from antiphon.tools.tool import Tool

FILE, ENCODER = "reader.safetensors", "minilm-l6"
LONGEST = 300
"""Characters of an utterance that are read; what is longer is hardly a command."""


@dataclass(frozen=True)
class Announced:
    """Tools the reader has read. Belongs to one robot."""

    tools: tuple[Tool, ...]
    texts: EncodedText


@dataclass(frozen=True)
class Choice:
    """How well every tool fits an utterance."""

    scores: tuple[float, ...]
    """Above 0: rather asked for than not."""
    best: int | None
    """The tool asked for; None: none."""


class Chooser:
    """Chooses among tools it has never seen before.

    Holds weights only; any number of robots can share one.

    Args:
        reader: compares utterances with texts.
        threshold: least score of a call. Higher: fewer false calls, more missed ones.
    """

    def __init__(self, reader: Matcher, threshold: float = 0.0) -> None:
        self.reader, self.threshold = reader, threshold

    @classmethod
    def load(cls, folder: Path | None = None) -> Chooser:
        """The committed one.

        Args:
            folder: of `reader.safetensors`; None: the committed one.

        Raises:
            UserError: weights are missing and cannot be fetched.
        """
        from antiphon import weights

        path = (folder or weights.assets("tools")) / FILE
        reader = Matcher.load(path, weights.path(ENCODER))
        return cls(reader, reader.config.threshold)

    @torch.no_grad()
    def announce(self, tools: Sequence[Tool]) -> Announced:
        """EncodedText what a robot can do, once."""
        return Announced(tuple(tools), self.reader.read([text_of(tool) for tool in tools]))

    @torch.no_grad()
    def choose(self, heard: EncodedText, announced: Announced) -> Choice:
        """Compare an utterance (row 0 of `heard`) with every tool."""
        found = self.reader.score(heard, announced.texts)[0]
        scores = tuple(found.tolist())
        best = max(range(len(scores)), key=scores.__getitem__)
        return Choice(scores, best if scores[best] > self.threshold else None)


def text_of(tool: Tool) -> str:
    """What the reader reads of a tool."""
    return f"{words_of(tool.name)}: {tool.description}"


def words_of(name: str) -> str:
    """A name in words: setLight-colour is set light colour."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", name)
    return " ".join(spaced.lower().split())
