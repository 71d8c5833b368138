"""Tool choosers: one protocol, and the way from a name to a chooser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from antiphon import settings, weights
from antiphon.llm.language_model import Vocabulary
from antiphon.registry import Registry
from antiphon.tools.call import Call
from antiphon.tools.tool import Tool


class ToolChooser(Protocol):
    """Decides which of a robot's tools is asked for. Holds weights only; all robots share it."""

    def announce(self, tools: Sequence[Tool]) -> Any:
        """What it remembers of the tools of one robot."""

    def decide(self, text: str, announced: Any) -> Call | None:
        """The call that an utterance asks for; None: none of the tools."""


@runtime_checkable
class RequiredChooser(Protocol):
    """What a tool chooser is that can choose although nothing is clearly asked for."""

    def decide_anyway(self, text: str, announced: Any) -> Call | None:
        """The call that fits an utterance best; None: it has no words, or there is no tool."""


@runtime_checkable
class JudgedChoice(Protocol):
    """What a tool chooser is that asks a language model where it is in doubt."""

    def judged_by(self, llm: Vocabulary) -> ToolChooser:
        """The chooser that asks this language model; itself if the model is no help."""


TOOL_CHOOSERS: Registry[Callable[[], ToolChooser]] = Registry(
    "tool chooser",
    "antiphon.tool_choosers",
    {"sentence-encoder": "antiphon.tools.encoder_chooser:EncoderChooser.load"},
)
"""Functions that load a chooser, by name. Folders need no entry."""


def judged(chooser: ToolChooser, llm: Vocabulary | None) -> ToolChooser:
    """A chooser that asks the agent's language model, if both are made for it."""
    if llm is None or not isinstance(chooser, JudgedChoice):
        return chooser
    return chooser.judged_by(llm)


def from_pretrained(name: str | None = None, llm: Vocabulary | None = None) -> ToolChooser:
    """The chooser of a name, or of a folder that `antiphon train tools` wrote.

    Args:
        name: None takes that of the settings.
        llm: the agent's language model, asked in doubt if it is of help; None asks none.

    Raises:
        UserError: There is no such chooser, or its weights are missing.
    """
    name = name or settings.value(settings.Models, "tool_chooser")
    if name not in TOOL_CHOOSERS and Path(name).is_dir():
        from antiphon.tools.encoder_chooser import EncoderChooser

        return judged(EncoderChooser.load(weights.assets(name)), llm)
    return judged(TOOL_CHOOSERS.get(name)(), llm)
