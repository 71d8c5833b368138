"""Vector quantization with a codebook learned by moving averages (van den Oord et al. 2017)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class VectorQuantizer(nn.Module):
    """Nearest-code quantizer.

    Codes follow the exponential moving average of the vectors they stand for. A code that has
    stood for almost nothing is moved onto a vector of the current batch, so none stays unused.

    Args:
        codes: size of the codebook.
        dim: size of a code.
        decay: of the moving averages.
    """

    def __init__(self, codes: int, dim: int, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = decay
        self.codebook: torch.Tensor
        self.usage: torch.Tensor
        self.sums: torch.Tensor
        self.register_buffer("codebook", torch.randn(codes, dim))
        self.register_buffer("usage", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, dim))

    def adopt(self, codebook: torch.Tensor, count: float) -> None:
        """Begin with known codes [codes, dim], as if each had stood for `count` vectors a batch."""
        self.codebook.copy_(codebook)
        self.usage.fill_(count)
        self.sums.copy_(count * codebook)

    def nearest(self, x: torch.Tensor) -> torch.Tensor:
        """Index [...] of the code nearest to x [..., dim]."""
        flat = x.reshape(-1, x.shape[-1]).float()
        distance = self.codebook.square().sum(1) - 2 * flat @ self.codebook.T
        return distance.argmin(1).view(x.shape[:-1])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Quantize.

        Args:
            x: [..., dim] vectors.

        Returns:
            The codes in place of the vectors (gradients pass straight through), their indices
            [...], and the commitment loss (scalar).
        """
        indices = self.nearest(x)
        codes = F.embedding(indices, self.codebook)
        commitment = F.mse_loss(x.float(), codes)
        if self.training:
            self._follow(x.detach().reshape(-1, x.shape[-1]).float(), indices.reshape(-1))
        return x + (codes - x).detach(), indices, commitment

    def _follow(self, x: torch.Tensor, indices: torch.Tensor) -> None:
        counts = torch.bincount(indices, minlength=len(self.codebook)).float()
        sums = torch.zeros_like(self.sums).index_add_(0, indices, x)
        self.usage.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        dead = self.usage < 0.2 * counts.mean()
        if dead.any():
            fresh = x[torch.randint(len(x), (int(dead.sum()),))]
            self.usage[dead] = counts.mean()
            self.sums[dead] = fresh * counts.mean()
        self.codebook.copy_(self.sums / self.usage.clamp_min(1e-5)[:, None])
