"""The first prompt that was read, in a file: every process would read it anew, for seconds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from antiphon.llm.cpu.decoder import Buffer, Cache


class OpeningFile:
    """Holds a prompt and what was read of it.

    Args:
        path: of the file, which need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[tuple[int, ...], Cache] | None:
        """The prompt and what was read of it; None if there is no file, or a damaged one."""
        with suppress(OSError, SafetensorError, KeyError):
            held = load_file(self.path)
            tokens = tuple(held["tokens"].tolist())
            buffer = Buffer(held["keys"], held["values"], len(tokens))
            return tokens, Cache(buffer, len(tokens))
        return None

    def save(self, tokens: Sequence[int], cache: Cache) -> None:
        """Write a prompt and what was read of it; a disk that is full is no reason to stop."""
        part = self.path.with_suffix(f".{os.getpid()}.part")  # another process may write it, too
        state = {"keys": cache.buffer.keys, "values": cache.buffer.values}
        with suppress(OSError, SafetensorError):
            save_file(state | {"tokens": torch.tensor(list(tokens))}, part)
            part.replace(self.path)
