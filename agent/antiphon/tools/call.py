"""A call of a tool and what came of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """A tool is to be used."""

    name: str
    """Of the tool."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """By name; they satisfy the tool's schema unless something is missing."""
    missing: tuple[str, ...] = ()
    """Required parameters that were not said: ask for them, do not call."""
    problem: str = ""
    """Why it cannot be done as it was asked for, one sentence: say it, do not call."""
    id: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)
    """Names the call; the result repeats it."""


@dataclass(frozen=True)
class Result:
    """What came of a call."""

    ok: bool
    """Whether it was done."""
    value: Any = None
    """What the tool returned: any JSON."""
    error: str | None = None
    """If it was not done: one sentence."""
