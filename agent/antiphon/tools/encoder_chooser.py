"""The sentence encoder's way to choose among tools it has never seen before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from antiphon import weights
from antiphon.tools.arguments import UNCLEAR, ArgumentFiller
from antiphon.tools.call import Call
from antiphon.tools.matcher import EncodedText, Matcher
from antiphon.tools.rules.direction import impossible
from antiphon.tools.rules.utterance_kind import wants
from antiphon.tools.tool import Tool, words_of

FILE = "reader.safetensors"
MAX_CHARACTERS = 300
"""Longest utterance that is read; a longer one is hardly a command."""


@dataclass(frozen=True)
class EncoderChooserConfig:
    """What the `config.json` beside the weights says."""

    encoder: str
    """The pretrained sentence encoder that the weights correct."""


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


class EncoderChooser:
    """A `ToolChooser` that compares sentences.

    Args:
        reader: compares utterances with texts.
        threshold: least score of a call. Higher: fewer false calls, more missed ones.
    """

    def __init__(self, reader: Matcher, threshold: float = 0.0) -> None:
        self.reader, self.threshold = reader, threshold
        self.filler = ArgumentFiller(reader)

    @classmethod
    def load(cls, folder: Path | None = None) -> EncoderChooser:
        """The committed one.

        Args:
            folder: of `reader.safetensors`; None: the committed one.

        Raises:
            UserError: weights are missing and cannot be fetched.
        """
        folder = folder or weights.assets("tools")
        config = weights.read_config(folder, EncoderChooserConfig)
        reader = Matcher.load(folder / FILE, weights.path(config.encoder))
        return cls(reader, reader.config.threshold)

    @torch.no_grad()
    def announce(self, tools: Sequence[Tool]) -> Announced:
        """Encode what a robot can do, once."""
        return Announced(tuple(tools), self.reader.read([text_of(tool) for tool in tools]))

    @torch.no_grad()
    def decide(self, text: str, announced: Announced) -> Call | None:
        """The call an utterance asks for; None: an ordinary answer is wanted."""
        text = " ".join(text.split())
        if not readable(text, announced):
            return None
        heard = self.reader.read([text])
        best = self.choose(heard, announced).best
        if best is None or not wants(text, announced.tools[best]):
            return None
        return self._call(text, heard, announced.tools[best])

    @torch.no_grad()
    def decide_anyway(self, text: str, announced: Announced) -> Call | None:
        """The call that fits an utterance best, however little it does."""
        text = " ".join(text.split())
        if not readable(text, announced):
            return None
        heard = self.reader.read([text])
        scores = self.choose(heard, announced).scores
        best = max(range(len(scores)), key=scores.__getitem__)
        return self._call(text, heard, announced.tools[best])

    def _call(self, text: str, heard: EncodedText, tool: Tool) -> Call:
        """The call of a tool with what an utterance says of its arguments."""
        filled = self.filler.fill(text, heard, tool)
        arguments = {name: value for name, value in filled.items() if value is not UNCLEAR}
        missing = [
            p.name
            for p in tool.parameters
            if filled.get(p.name) is UNCLEAR or (p.required and p.name not in filled)
        ]
        return Call(tool.name, arguments, tuple(missing), impossible(text, tool) or "")

    @torch.no_grad()
    def choose(self, heard: EncodedText, announced: Announced) -> Choice:
        """Compare an utterance (row 0 of `heard`) with every tool."""
        found = self.reader.score(heard, announced.texts)[0]
        scores = tuple(found.tolist())
        best = max(range(len(scores)), key=scores.__getitem__)
        return Choice(scores, best if scores[best] > self.threshold else None)


def readable(text: str, announced: Announced) -> bool:
    """Whether an utterance has words that one of the tools could be asked for with."""
    words = any(c.isalnum() for c in text) and len(text) <= MAX_CHARACTERS
    return bool(announced.tools) and words


def text_of(tool: Tool) -> str:
    """What the reader reads of a tool."""
    return f"{words_of(tool.name)}: {tool.description}"
