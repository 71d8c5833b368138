"""Tool choosers by name: what decides which of a robot's tools is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from antiphon import settings
from antiphon.registry import Registry

TOOL_CHOOSERS: Registry[Callable[[], Any]] = Registry(
    "tool chooser",
    "antiphon.tool_choosers",
    {"sentence-encoder": "antiphon.tools.choosers:sentence_encoder"},
)
"""Functions that load a chooser, as `Toolbox` takes it."""


def from_pretrained(name: str | None = None) -> Any:
    """The chooser of a name; None takes that of the settings.

    Raises:
        UserError: There is no such chooser, or its weights are missing.
    """
    return TOOL_CHOOSERS.get(name or settings.value(settings.Models, "tool_chooser"))()


def sentence_encoder() -> Any:
    """The fine-tuned sentence encoder of `assets/tools`."""
    from antiphon.tools.chooser import Chooser

    return Chooser.load()
