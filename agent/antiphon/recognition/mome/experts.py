"""A mixture of Matryoshka experts: what it adds to a frozen layer (Cappellazzo et al. 2025, MoME).

    MoME(x) = sum of the shared experts E(x) + sum over the chosen experts g_n E_n(x)
    E(x) = PACE up(GELU(down(x)))

The very same router and experts serve every compression rate and both modalities. Experts are
small, so all of them are computed at once and those that were not chosen count nothing, which is
exact; `active` counts what a token needs.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

PACE = 4.0
"""By which outputs of experts are multiplied, as LoRA's are by alpha / rank: each expert sees few
tokens and counts little in a sum, so it would learn more slowly than the corrections beside it."""
_PASS: ContextVar[Pass | None] = ContextVar("pass", default=None)


class Pass:
    """One pass through a language model: at which rate it hears, and what its routers choose.

    Modules find the pass they are in by `Pass.current`; sessions at different rates share them.

    Args:
        scale: place of the rate among those of the model.
        real: [B, T] False where rows are padded, which is not counted; None: nowhere.
    """

    def __init__(self, scale: int = 0, real: torch.Tensor | None = None) -> None:
        self.scale, self.real = scale, real
        self.uses: list[torch.Tensor] = []
        """[routed] share of the choices that fell on each expert, by router in order."""
        self.balances: list[torch.Tensor] = []
        """What is to be minimized so that all experts are chosen alike, by router."""

    @staticmethod
    def current() -> Pass:
        """The pass that this code is in; a plain one outside of any."""
        return _PASS.get() or Pass()

    def __enter__(self) -> Pass:
        self._token = _PASS.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _PASS.reset(self._token)

    def count(self, probabilities: torch.Tensor, chosen: torch.Tensor) -> None:
        """Note the choices of a router.

        Args:
            probabilities: [B, T, routed] of all experts.
            chosen: [B, T, k] which were taken.
        """
        experts = probabilities.shape[-1]
        counts = F.one_hot(chosen, experts).sum(-2).to(probabilities)
        weight = torch.ones_like(probabilities[..., :1])
        if self.real is not None and self.real.shape == probabilities.shape[:-1]:
            weight = self.real[..., None].to(probabilities)
        use = (counts * weight).flatten(0, -2).sum(0) / (chosen.shape[-1] * weight.sum())
        mean = (probabilities * weight).flatten(0, -2).sum(0) / weight.sum()
        self.uses.append(use.detach())
        self.balances.append(experts * (use * mean).sum())

    @property
    def balance(self) -> torch.Tensor:
        """The load balancing loss of all routers (Fedus et al. 2021, eq. 4): 1 if all are even."""
        return torch.stack(self.balances).mean() if self.balances else torch.zeros(())


@dataclass(frozen=True)
class MixtureConfig:
    """Experts of a layer."""

    routed: int = 23
    """Experts among which the router chooses."""
    shared: int = 1
    """Experts that every token goes through."""
    top_k: int = 4
    """Routed experts a token goes through."""
    bottleneck: int = 12
    """Inner width of an expert."""
    routers: Literal["shared", "rate"] = "shared"
    """One router for all rates, or one for each."""

    def __post_init__(self) -> None:
        if not 0 <= self.top_k <= self.routed:
            raise ValueError(f"top_k is {self.top_k}, which is not among {self.routed} experts")
        if self.shared + self.top_k < 1 or self.bottleneck < 1:
            raise ValueError("a mixture needs at least one expert of one unit")


class Experts(nn.Module):
    """Bottleneck perceptrons side by side; they begin as nothing.

    Args:
        count: how many.
        width: of what goes in and comes out.
        bottleneck: inner width of each.
    """

    def __init__(self, count: int, width: int, bottleneck: int) -> None:
        super().__init__()
        self.count, self.bottleneck = count, bottleneck
        self.down = nn.Linear(width, count * bottleneck)
        self.up = nn.Linear(count * bottleneck, width, bias=False)
        self.up_bias = nn.Parameter(torch.zeros(count, width))
        bound = (6 / (width + bottleneck)) ** 0.5  # Xavier of one expert, not of all as one
        nn.init.uniform_(self.down.weight, -bound, bound)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: torch.Tensor, gates: torch.Tensor) -> torch.Tensor:
        """The sum of all experts' outputs for x [..., width], each times its gate [..., count]."""
        inner = F.gelu(self.down(x)).unflatten(-1, (self.count, self.bottleneck))
        gates = gates.to(inner.dtype)
        out: torch.Tensor = self.up((inner * gates[..., None]).flatten(-2))
        return PACE * (out + gates @ self.up_bias.to(gates.dtype))


class Mixture(nn.Module):
    """Shared experts, and routed ones of which each token takes a few.

    Args:
        width: of the layer it is put beside.
        config: of its experts.
        scales: how many rates there are, if each has a router of its own.
    """

    def __init__(self, width: int, config: MixtureConfig, scales: int = 1) -> None:
        super().__init__()
        self.config = config
        routers = scales if config.routers == "rate" else 1
        self.router = nn.Parameter(torch.randn(routers, config.routed, width) / width**0.5)
        self.experts = Experts(config.routed + config.shared, width, config.bottleneck)

    def gates(self, x: torch.Tensor) -> torch.Tensor:
        """Gates [..., routed] of x [..., width]: of the chosen they sum to 1, others are 0."""
        config, now = self.config, Pass.current()
        router = self.router[now.scale if config.routers == "rate" else 0]
        logits = F.linear(x, router.to(x.dtype)).float()
        best, chosen = logits.topk(config.top_k, -1)
        now.count(logits.softmax(-1), chosen)
        return torch.zeros_like(logits).scatter(-1, chosen, best.softmax(-1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What is added to the layer [B, T, width] whose input x [B, T, width] is."""
        always = torch.ones(*x.shape[:-1], self.config.shared, device=x.device)
        gates = torch.cat([self.gates(x), always], -1) if self.config.top_k else always
        if self.config.routed and not self.config.top_k:
            gates = F.pad(always, (self.config.routed, 0))
        return self.experts(x, gates)

    def active(self) -> int:
        """Parameters that a token goes through, the router among them."""
        config, width = self.config, self.router.shape[-1]
        expert = 2 * width * config.bottleneck + config.bottleneck + width
        return (config.shared + config.top_k) * expert + config.routed * width
