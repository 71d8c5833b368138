"""The tensors of a model's folder, read one at a time: a large model is packed in little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from antiphon.errors import UserError


class CheckpointTensors(Mapping[str, torch.Tensor]):
    """Weights by name, each read when it is asked for, LoRA merged.

    Args:
        folder: of a model in transformers' layout, in one file or several.
        corrections: what `lora.save` wrote.

    Raises:
        UserError: The folder holds no weights, or a file of them is damaged.
    """

    def __init__(self, folder: Path, corrections: Path | None = None) -> None:
        self._files: dict[str, Any] = {}
        for path in sorted(folder.glob("*.safetensors")):
            opened = _open(path)
            self._files |= dict.fromkeys(opened.keys(), opened)
        if not self._files:
            raise UserError(f"{folder} holds no *.safetensors: give the folder of a whole model.")
        self._corrections = _open(corrections) if corrections else None
        corrected = self._corrections.keys() if self._corrections else ()
        self._corrected = {key.removesuffix(".down") for key in corrected if key.endswith(".down")}

    def __getitem__(self, name: str) -> torch.Tensor:
        weight: torch.Tensor = self._files[name].get_tensor(name)
        layer = name.removesuffix(".weight")
        if self._corrections and layer in self._corrected:
            up, down = (self._corrections.get_tensor(f"{layer}.{end}") for end in ("up", "down"))
            weight = (weight.float() + up.float() @ down.float()).to(weight.dtype)
        return weight

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def below(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors whose names begin with a prefix, by the rest of their names."""
        return {name[len(prefix) :]: self[name] for name in self if name.startswith(prefix)}


def _open(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(path, "pt")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is damaged ({error}): fetch it again.") from error
