"""An output matrix of tens of thousands of tokens in bytes; what is likely is computed exactly."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch

from antiphon.compute.onnx_graph import Graph

EXACT = 16
"""Logits of a row that are computed exactly: those that are largest in bytes."""


class RoundedHead:
    """Logits of a processor that would else wait for its memory.

    Rounded ones are some hundredths off, which only matters where tokens are compared.

    Args:
        weight: [V, width] float32, on the processor.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        self.weight = weight.detach()

    @cached_property
    def _session(self) -> Any:
        graph = Graph()
        return graph.session(
            {"x": ("rows", self.weight.shape[1])}, [graph.rounded_product("x", self.weight)]
        )

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """Logits [..., V], float32, of states [..., width]."""
        rows = states.detach().float().flatten(0, -2)
        (rounded,) = self._session.run(None, {"x": rows.numpy()})
        logits = torch.from_numpy(rounded)
        likely = logits.topk(min(EXACT, logits.shape[1]), sorted=False).indices
        with torch.autocast("cpu", enabled=False):
            exact = torch.einsum("nkw,nw->nk", self.weight[likely], rows)
        return logits.scatter_(1, likely, exact).unflatten(0, states.shape[:-1])
