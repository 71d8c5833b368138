"""The conversations of `conversations/*.toml`: what the user says, and what each reply must be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "conversations"
EXPECTED = ("arithmetic", "facts", "memory", "context", "unknown", "claims", "persona")
"""Kinds of checks of one reply."""


@dataclass(frozen=True)
class Line:
    """What the user says."""

    say: str
    expected: Mapping[str, Any] = field(default_factory=dict)
    """By kind: the right number or words, or True where the rule needs none."""
    wrong: tuple[str, ...] = ()
    """Words that make the reply wrong whatever else it says."""
    also: tuple[int, ...] = ()
    """Numbers that may be said beside the right one."""
    seconds: float = 12.0
    """How long the reply may last."""


@dataclass(frozen=True)
class Conversation:
    """A scripted conversation, written in a language model's own replies."""

    lines: tuple[Line, ...]
    style: tuple[str, ...]
    """Kinds of checks that all of its replies have to pass together."""


def conversations() -> list[Conversation]:
    """The conversations written for this measure."""
    return [
        Conversation(tuple(_line(**row) for row in each["lines"]), tuple(each["style"]))
        for path in sorted(FOLDER.glob("*.toml"))
        for each in tomllib.loads(path.read_text("utf-8"))["conversation"]
    ]


def _line(**row: Any) -> Line:
    expected = {kind: row.pop(kind) for kind in EXPECTED if kind in row}
    wrong, also = tuple(row.pop("wrong", ())), tuple(row.pop("also", ()))
    return Line(expected=expected, wrong=wrong, also=also, **row)
