"""The sentence encoder's choice, and a language model's where the encoder is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from antiphon.tools.encoder_chooser import Announced, EncoderChooser
from antiphon.tools.judging.weighing import Weighing
from antiphon.tools.rules.utterance_kind import wants
from antiphon.tools.tool import Tool


class Judge(Protocol):
    """Asks a language model about tools: see `ToolJudge`."""

    def expect(self) -> None:
        """Prepare to be asked."""

    def odds(self, text: str, tool: Tool) -> float:
        """Natural log-odds that an utterance asks for what a tool does."""


class JudgedChooser(EncoderChooser):
    """A `ToolChooser` that asks a language model where the sentence encoder is in doubt.

    Args:
        encoder: what it is like otherwise.
        judge: asks the language model.
        weighing: of the two.
    """

    def __init__(self, encoder: EncoderChooser, judge: Judge, weighing: Weighing) -> None:
        super().__init__(encoder.reader, encoder.threshold)
        self.judge, self.weighing = judge, weighing

    def announce(self, tools: Sequence[Tool]) -> Announced:
        """Encode what a robot can do, once."""
        self.judge.expect()
        return super().announce(tools)

    def asked_for(self, text: str, scores: Sequence[float], tools: Sequence[Tool]) -> int | None:
        """The tool asked for."""
        likely = [
            s > self.weighing.low and wants(text, t) for s, t in zip(scores, tools, strict=True)
        ]
        known = [s if fits else float("-inf") for s, fits in zip(scores, likely, strict=True)]
        return self.weighing.choose(known, lambda i: self.judge.odds(text, tools[i]))
