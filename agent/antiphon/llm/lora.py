"""Low-rank corrections of a transformer's linear layers, and how they are merged away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class LoRA(nn.Module):
    """A frozen linear layer with a trained correction of low rank.

    Args:
        base: the layer.
        rank: of the correction.
        alpha: its weight is alpha / rank.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / rank)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output, corrected."""
        low = F.linear(x, self.down.to(x.dtype))
        out: torch.Tensor = self.base(x) + F.linear(low, self.scale * self.up.to(x.dtype))
        return out


def attach(
    llm: nn.Module,
    rank: int = 16,
    alpha: float = 32.0,
    first: int = 0,
    targets: Sequence[str] = TARGETS,
) -> dict[str, LoRA]:
    """Put corrections on linear layers; all other parameters are frozen.

    Args:
        llm: a model whose blocks are numbered `….layers.N.…`.
        rank: of the corrections.
        alpha: their weight is alpha / rank.
        first: the blocks before it stay as they are, which saves their backward pass.
        targets: how the names of the layers end.

    Returns:
        The corrections by the name of their layer.
    """
    llm.requires_grad_(False)
    found: dict[str, LoRA] = {}
    for name, module in list(llm.named_modules()):
        parent, _, last = name.rpartition(".")
        block = re.search(r"layers\.(\d+)\.", name)
        if block is None or int(block[1]) < first or not isinstance(module, nn.Linear):
            continue
        if any(name.endswith(f".{target}") for target in targets):
            found[name] = LoRA(module, rank, alpha)
            setattr(llm.get_submodule(parent), last, found[name])
    return found


def save(corrections: dict[str, LoRA], path: Path) -> None:
    """Write corrections as float16, the scale inside `up`; atomically."""
    from safetensors.torch import save_file

    state = {}
    for name, lora in corrections.items():
        state[f"{name}.down"] = lora.down.detach().half().contiguous()
        state[f"{name}.up"] = (lora.scale * lora.up.detach()).half().contiguous()
    part = path.with_suffix(".part")
    save_file(state, part)
    part.replace(path)


@torch.no_grad()
def restore(corrections: dict[str, LoRA], path: Path) -> None:
    """Give corrections of the same rank and layers what `save` wrote, to learn on from there."""
    from safetensors.torch import load_file

    state = load_file(path)
    for name, lora in corrections.items():
        lora.down.copy_(state[f"{name}.down"])
        lora.up.copy_(state[f"{name}.up"].float() / lora.scale)


@torch.no_grad()
def merge(llm: nn.Module, path: Path) -> None:
    """Add the corrections written by `save` to the weights of `llm`."""
    from safetensors.torch import load_file

    state = load_file(path)
    for key, down in state.items():
        if key.endswith(".down"):
            name = key.removesuffix(".down")
            weight = llm.get_parameter(f"{name}.weight")
            change = state[f"{name}.up"].float() @ down.float()
            weight.copy_((weight.float() + change).to(weight.dtype))
