"""The sentence encoder's way to choose among tools it has never seen before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import torch

from antiphon import weights
from antiphon.tools.arguments import UNCLEAR, ArgumentFiller
from antiphon.tools.call import Call
from antiphon.tools.judging.weighing import Weighing
from antiphon.tools.matcher import EncodedText, Matcher
from antiphon.tools.rules.direction import impossible
from antiphon.tools.rules.utterance_kind import wants
from antiphon.tools.tool import Tool, words_of

if TYPE_CHECKING:
    from antiphon.llm.language_model import LanguageModel, Vocabulary

FILE = "reader.safetensors"
MAX_CHARACTERS = 300
"""Longest utterance that is read; a longer one is hardly a command."""


@dataclass(frozen=True)
class EncoderChooserConfig:
    """What the `config.json` beside the weights says."""

    encoder: str
    """The pretrained sentence encoder that the weights correct."""
    judges: Mapping[str, Weighing] = field(default_factory=dict)
    """Language models that are asked where the encoder is in doubt, by name."""


@dataclass(frozen=True)
class Announced:
    """Tools the reader has read. Belongs to one robot."""

    tools: tuple[Tool, ...]
    texts: EncodedText


class EncoderChooser:
    """A `ToolChooser` that compares sentences.

    Args:
        reader: compares utterances with texts.
        threshold: least score of a call. Higher: fewer false calls, more missed ones.
        judges: how the word of language models is weighed, by their names.
    """

    def __init__(
        self,
        reader: Matcher,
        threshold: float = 0.0,
        judges: Mapping[str, Weighing] = MappingProxyType({}),
    ) -> None:
        self.reader, self.threshold, self.judges = reader, threshold, judges
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
        return cls(reader, reader.config.threshold, config.judges)

    def judged_by(self, llm: Vocabulary) -> EncoderChooser:
        """The chooser that asks a language model where this one is in doubt.

        It is this one if the model shows no logits, or was never measured as a judge.
        """
        from antiphon.llm.text_model import TextModel
        from antiphon.tools.judging.judged_chooser import JudgedChooser
        from antiphon.tools.judging.tool_judge import ToolJudge

        weighing = self.judges.get(llm.name)
        if weighing is None or isinstance(llm, TextModel):
            return self
        return JudgedChooser(self, ToolJudge(cast("LanguageModel", llm)), weighing)

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
        best = self.asked_for(text, self.scores(heard, announced), announced.tools)
        return None if best is None else self._call(text, heard, announced.tools[best])

    def asked_for(self, text: str, scores: Sequence[float], tools: Sequence[Tool]) -> int | None:
        """The tool that an utterance asks for; None: none.

        Args:
            text: the utterance.
            scores: how well every tool fits it.
            tools: that were announced.
        """
        best = max(range(len(scores)), key=scores.__getitem__)
        asked = scores[best] > self.threshold and wants(text, tools[best])
        return best if asked else None

    @torch.no_grad()
    def decide_anyway(self, text: str, announced: Announced) -> Call | None:
        """The call that fits an utterance best, however little it does."""
        text = " ".join(text.split())
        if not readable(text, announced):
            return None
        heard = self.reader.read([text])
        scores = self.scores(heard, announced)
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
    def scores(self, heard: EncodedText, announced: Announced) -> list[float]:
        """How well every tool fits an utterance (row 0 of `heard`); above 0: rather than none."""
        found: list[float] = self.reader.score(heard, announced.texts)[0].tolist()
        return found


def readable(text: str, announced: Announced) -> bool:
    """Whether an utterance has words that one of the tools could be asked for with."""
    words = any(c.isalnum() for c in text) and len(text) <= MAX_CHARACTERS
    return bool(announced.tools) and words


def text_of(tool: Tool) -> str:
    """What the reader reads of a tool."""
    return f"{words_of(tool.name)}: {tool.description}"
