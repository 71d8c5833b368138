"""The denoising adapter: hidden states of the language model back to token embeddings.

EchoX, section on Echo training: `L_Denoising = sum_i (1 - cos(Adapter(H_i), Emb(X'_i)))`. The
layout (`Linear - ReLU - Dropout - Linear`, parameters `0.*` and `3.*`) is `aligner_MLP` of the
public EchoX checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

SHARPNESS = 0.5
"""Temperature of the recalled tokens: the likeliest one counts most."""


class DenoisingAdapter(nn.Sequential):
    """Predictor states [..., H] to vectors [..., H] that should look like token embeddings.

    A state says by its logits which tokens it is for, also those no training text held. With
    `recall`, the mean of the likeliest tokens' embeddings is the beginning, and the layers learn
    what to add; without, they learn everything, as in EchoX.

    Args:
        hidden: width H of the language model.
        inner: width between (the language model's own intermediate size in EchoX).
        recall: tokens to recall; 0 for none.
        table: [V, H] the language model's output embeddings, which are its input embeddings, too.
        out: width of the vectors; 0: H.
    """

    table: torch.Tensor | None

    def __init__(
        self,
        hidden: int,
        inner: int,
        recall: int = 0,
        table: torch.Tensor | None = None,
        out: int = 0,
    ) -> None:
        super().__init__(
            nn.Linear(hidden, inner), nn.ReLU(), nn.Dropout(0.1), nn.Linear(inner, out or hidden)
        )
        self.recall, self.table = recall, table
        if recall:
            for parameter in self[3].parameters():
                nn.init.zeros_(parameter)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., H] float32 to the same shape."""
        return self.added(hidden) + self.recalled(hidden) if self.recall else self.added(hidden)

    def added(self, hidden: torch.Tensor) -> torch.Tensor:
        """What the layers make of the states."""
        out: torch.Tensor = nn.Sequential.forward(self, hidden)  # type: ignore[no-untyped-call]
        return out

    @torch.no_grad()
    def recalled(self, hidden: torch.Tensor) -> torch.Tensor:
        """Mean embedding of the tokens the states are for, float32."""
        assert self.table is not None
        scores = F.linear(hidden.to(self.table.dtype), self.table)
        best, ids = scores.topk(self.recall, -1)
        shares = (best.float() / SHARPNESS).softmax(-1)
        return (shares[..., None] * self.table[ids].float()).sum(-2)


def cosine_loss(adapted: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
    """Mean of `1 - cos` over tokens; both [N, H]."""
    return (1 - F.cosine_similarity(adapted.float(), embeddings.float(), dim=-1)).mean()


def capped(cosine: torch.Tensor, unit: torch.Tensor, share: float = 0.2) -> torch.Tensor:
    """The cosine loss, weighted so that it never exceeds `share` of the unit loss."""
    weight = torch.clamp(share * unit.detach() / cosine.detach().clamp_min(1e-8), max=1.0)
    return weight * cosine
