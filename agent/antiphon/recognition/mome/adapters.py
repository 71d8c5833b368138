"""Puts what learns beside the layers of a frozen language model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from antiphon.recognition.mome.experts import Mixture, MixtureConfig
from antiphon.recognition.mome.low_rank import LowRank, Scope

Place = Literal["attention", "ffn", "layer"]

CORRECTED = ("q_proj", "v_proj")
"""Linear layers of attention that low-rank corrections are for, as in Llama-AVSR."""


@dataclass(frozen=True)
class AdapterConfig:
    """What is put beside every layer."""

    kind: Literal["mixture", "low rank"] = "mixture"
    place: Place = "attention"
    """What a mixture is parallel to."""
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    rank: int = 0
    """Of low-rank corrections; 0: as many active parameters as the mixture has."""
    scope: Scope = "shared"
    """How rates share low-rank corrections."""


def attach(llm: Any, config: AdapterConfig, scales: int) -> nn.ModuleDict:
    """Freeze a causal language model of transformers, and put adapters beside its layers.

    Nothing changes at first: all of them begin as nothing.

    Args:
        llm: with `layers` of `self_attn` and `mlp`, such as Llama and Qwen have.
        config: of the adapters.
        scales: how many rates there are.

    Returns:
        The adapters by the name of what they are beside, dots written as bars.
    """
    llm.requires_grad_(False)
    width = llm.config.hidden_size
    adapters = nn.ModuleDict()
    for number, layer in enumerate(llm.get_decoder().layers):
        if config.kind == "mixture":
            adapters[f"{number}|{config.place}"] = _mixture(layer, width, config, scales)
            continue
        for name in CORRECTED:
            linear = getattr(layer.self_attn, name)
            correction = LowRank(
                linear.in_features, linear.out_features, rank(llm, config), config.scope, scales
            )
            _beside(linear, correction)
            adapters[f"{number}|{name}"] = correction
    return adapters


def _mixture(layer: Any, width: int, config: AdapterConfig, scales: int) -> Mixture:
    mixture = Mixture(width, config.mixture, scales)
    if config.place == "attention":
        _beside(layer.self_attn, mixture)
    elif config.place == "ffn":
        _beside(layer.mlp, mixture)
    else:
        _beside(layer, mixture, layer.input_layernorm)
    return mixture


def _beside(
    module: nn.Module,
    adapter: nn.Module,
    norm: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> None:
    """Add to what a module gives what an adapter makes of the same input, normed if need be."""

    def add(_: nn.Module, args: Any, named: dict[str, Any], out: Any) -> Any:
        x = args[0] if args else named["hidden_states"]
        more = adapter(norm(x) if norm else x)
        return (out[0] + more, *out[1:]) if isinstance(out, tuple) else out + more

    module.register_forward_hook(add, with_kwargs=True)


def rank(llm: Any, config: AdapterConfig) -> int:
    """The rank of low-rank corrections: by default such that no more parameters are active."""
    if config.rank:
        return config.rank
    layer = llm.get_decoder().layers[0]
    linears = [getattr(layer.self_attn, name) for name in CORRECTED]
    each = sum(linear.in_features + linear.out_features for linear in linears)
    each *= 2 if config.scope == "both" else 1
    return max(1, Mixture(llm.config.hidden_size, config.mixture).active() // each)


def active_parameters(adapters: nn.ModuleDict) -> int:
    """Parameters of adapters that one token goes through."""
    return sum(each.active() for each in adapters.values())  # type: ignore[operator]
