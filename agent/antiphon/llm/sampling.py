"""Choosing a token by its logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def penalize_repeats(logits: torch.Tensor, recent: Sequence[int], penalty: float) -> torch.Tensor:
    """Logits [V] with those of recent tokens lowered (Keskar et al. 2019, section 4.1)."""
    if penalty == 1 or not recent:
        return logits
    rows = torch.tensor(sorted(set(recent)))
    scores = logits[rows]
    return logits.index_put((rows,), torch.where(scores > 0, scores / penalty, scores * penalty))


def sample(
    logits: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator
) -> int:
    """The likeliest token, or with a temperature one drawn from the top (Holtzman et al. 2020).

    Args:
        logits: [V].
        temperature: 0 takes the likeliest.
        top_p: share of the probability that the tokens drawn from make up.
        generator: of the draw.
    """
    if temperature <= 0:
        return int(logits.argmax())
    odds, order = (logits / temperature).softmax(-1).sort(descending=True)
    odds[1:][odds.cumsum(0)[:-1] > top_p] = 0.0
    return int(order[torch.multinomial(odds, 1, generator=generator)])
