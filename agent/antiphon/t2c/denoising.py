"""The denoising adapter: hidden states of the language model back to token embeddings.

EchoX, section on Echo training: `L_Denoising = sum_i (1 - cos(Adapter(H_i), Emb(X'_i)))`. The
layout (`Linear - ReLU - Dropout - Linear`, parameters `0.*` and `3.*`) is `aligner_MLP` of the
public EchoX checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class DenoisingAdapter(nn.Sequential):
    """Predictor states [..., H] to vectors [..., H] that should look like token embeddings.

    Args:
        hidden: width H of the language model.
        inner: width between (the language model's own intermediate size in EchoX).
    """

    def __init__(self, hidden: int, inner: int) -> None:
        super().__init__(
            nn.Linear(hidden, inner), nn.ReLU(), nn.Dropout(0.1), nn.Linear(inner, hidden)
        )


def cosine_loss(adapted: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
    """Mean of `1 - cos` over tokens; both [N, H]."""
    return (1 - F.cosine_similarity(adapted.float(), embeddings.float(), dim=-1)).mean()


def capped(cosine: torch.Tensor, unit: torch.Tensor, share: float = 0.2) -> torch.Tensor:
    """The cosine loss, weighted so that it never exceeds `share` of the unit loss."""
    weight = torch.clamp(share * unit.detach() / cosine.detach().clamp_min(1e-8), max=1.0)
    return weight * cosine
