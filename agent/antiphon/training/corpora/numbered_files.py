"""Corpora as numbered files that are made one by one, so that a run goes on where it was cut."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm


def write(
    out: Path, count: int, make: Callable[[int], Any], *, minutes: float, kind: str, digits: int = 6
) -> bool:
    """Write the files that a folder does not have yet; True if all are there.

    Args:
        out: the folder.
        count: how many files there are to be.
        make: what the file of a number holds, as `torch.save` takes it.
        minutes: time to take at most.
        kind: what a file is called on the progress bar.
        digits: of its name.
    """
    out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * minutes
    for number in tqdm(range(count), desc=f"{kind}s", unit=kind):
        path = out / f"{number:0{digits}d}.pt"
        if path.exists():
            continue
        if time.monotonic() > deadline:
            return False
        save(make(number), path)
    return True


def save(value: Any, path: Path) -> None:
    """Write a file, atomically."""
    part = path.with_suffix(".part")
    torch.save(value, part)
    part.replace(path)


def files(folder: Path) -> list[Path]:
    """The files of a folder, in order."""
    return sorted(folder.glob("[0-9]*.pt"))
