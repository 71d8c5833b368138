"""Where the large models compute: a GPU, Apple's, or the processor."""

from __future__ import annotations

import torch

from antiphon import settings
from antiphon.errors import UserError

KINDS = ("auto", "cuda", "mps", "cpu")
_used: str | None = None


def use(name: str) -> torch.device:
    """Let this process compute on the device of a name, whatever the settings say.

    Raises:
        UserError: There is no such device here.
    """
    global _used
    device, _used = chosen(name), name
    return device


def chosen(name: str | None = None) -> torch.device:
    """The device of a name; None: of what was given to `use`, else of the settings.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps"; "auto" takes a GPU if there is one.

    Raises:
        UserError: There is no such device here.
    """
    name = name or _used or settings.load(settings.Models).device
    kind, _, index = name.partition(":")
    if kind not in KINDS or (index and not (kind == "cuda" and index.isdecimal())):
        raise UserError(f"There is no device '{name}': give auto, cuda, cuda:1, mps or cpu.")
    gpus, metal = torch.cuda.device_count(), torch.backends.mps.is_available()
    if kind == "auto":
        return torch.device("cuda" if gpus else "mps" if metal else "cpu")
    if kind == "cuda" and not gpus:
        raise UserError("PyTorch finds no NVIDIA GPU here: give --device cpu.")
    if kind == "cuda" and int(index or 0) >= gpus:
        raise UserError(f"There is no GPU {index} here: PyTorch counts {gpus}, from 0 on.")
    if kind == "mps" and not metal:
        raise UserError("PyTorch finds no Apple GPU here: give --device cpu.")
    return torch.device(name)
