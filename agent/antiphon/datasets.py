"""Reads the folder of open collections that training and evaluation are given (docs/data.md)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from antiphon.errors import UserError

ADVICE = "give the data folder of docs/data.md with --data"


def texts(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """Rows of `data/text/<name>.jsonl.gz`.

    Raises:
        UserError: it is not there.
    """
    path = data / "text" / f"{name}.jsonl.gz"
    if not path.is_file():
        raise UserError(f"There is no '{path}': {ADVICE}.")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def clips(folder: Path) -> list[dict[str, Any]]:
    """Rows of a collection of sounds, `audio` made a path.

    Args:
        folder: such as `data/speech/kathleen`; it holds a manifest.

    Raises:
        UserError: it is not there.
    """
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        raise UserError(f"There is no '{manifest}': {ADVICE}.")
    rows = map(json.loads, manifest.read_text("utf-8").splitlines())
    return [{**row, "audio": folder / row["audio"]} for row in rows]
