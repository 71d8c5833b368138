"""Products with matrices of weights that are kept in few bits, for a CPU.

Writing a token is bound by memory: half of the bits are half of the time. int8 has a scale for
every row and is here; int4 is in `int4_linear`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from antiphon.llm.cpu.int4_linear import Int4Linear, int4_error, takes_int4
from antiphon.llm.cpu.nbits import Product

Quantizer = Callable[[torch.Tensor], Product]
"""Makes a product of weights [out, in]."""

FEW, SOME = 4, 20
"""Steps up to which a product is bound by memory, and up to which the kernel that unpacks weights
as it goes is faster than unpacking them first."""
WHOLE: bool = getattr(torch.cpu, "_is_vnni_supported", lambda: False)()
"""Whether this processor multiplies int8 by int8 (VNNI): many steps are then read in half of
the time."""
LARGE = 2_000_000
"""Weights from which on int4 is worth a call of onnxruntime's: it takes some 60 microseconds more
than PyTorch's, whatever it multiplies."""
SAMPLE = 256
"""Rows of a matrix that show what int4 would cost it."""
LOSSLESS = 0.02
"""Relative error of int4 (root of the mean square) up to which a matrix is kept in it."""


@dataclass(frozen=True)
class Int8Linear:
    """A matrix of weights, one scale for every row of it."""

    weight: torch.Tensor
    """[out, in] int8."""
    scale: torch.Tensor
    """[out] bfloat16."""

    @classmethod
    def of(cls, weight: torch.Tensor) -> Int8Linear:
        """Round weights [out, in].

        Raises:
            ValueError: if the inputs do not come in sixteens, which is what the kernel takes.
        """
        if weight.shape[1] % 16:
            raise ValueError(f"{weight.shape[1]} inputs cannot be had in int8: 16 divides them not")
        # One part in 254 is left to spare, so that rounding never leaves the range of int8.
        scale = (weight.float().abs().amax(1).clamp(min=1e-8) / 126.5).bfloat16()
        rows = weight.float() if weight.dtype != torch.float32 else weight.clone()
        return cls(rows.div_(scale.float()[:, None]).round_().to(torch.int8), scale)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in] float32 to [N, out] float32.

        Up to `SOME` inputs are rounded to bfloat16; more than `FEW`, if the processor can, to int8
        with a scale for every row (Dettmers et al. 2022, section 2.1).
        """
        if WHOLE and len(x) > FEW:
            scale = x.abs().amax(-1, keepdim=True).clamp_(min=1e-8) / 127
            whole = torch._int_mm((x / scale).round_().to(torch.int8), self.weight.T)
            return whole.float() * scale * self.scale.float()
        if len(x) > SOME:
            # Not bfloat16: processors without instructions for it take eight times as long.
            return F.linear(x, self.weight.float()) * self.scale.float()
        return torch._weight_int8pack_mm(x.bfloat16(), self.weight, self.scale).float()


def int8(weight: torch.Tensor) -> Product:
    """The product with weights [out, in] in int8."""
    return Int8Linear.of(weight)


def smallest(weight: torch.Tensor) -> Int8Linear | Int4Linear:
    """Weights [out, in] in int4 where that saves time and loses next to nothing, else in int8."""
    if weight.numel() < LARGE:
        return Int8Linear.of(weight)
    sample = weight[:: max(1, len(weight) // SAMPLE)]
    if takes_int4(weight) and int4_error(sample) < LOSSLESS:
        return Int4Linear.of(weight)
    return Int8Linear.of(weight)


def exact(weight: torch.Tensor) -> Product:
    """The product with [out, in] weights as they are."""
    return lambda x: F.linear(x, weight)


def kept_as(product: Int8Linear | Int4Linear, name: str) -> dict[str, torch.Tensor]:
    """What a product is kept as in a file, below a name: see `restored`."""
    return {f"{name}.{part}": tensor.contiguous() for part, tensor in vars(product).items()}


def int4_weights(name: str) -> bool:
    """Whether a tensor that `kept_as` named is the weights of an `Int4Linear`."""
    return name.endswith(".packed")


def restored(state: Mapping[str, torch.Tensor], name: str) -> Product:
    """The product with what was kept under a name."""
    scale = state[f"{name}.scale"]
    if f"{name}.packed" in state:
        return Int4Linear(state[f"{name}.packed"], scale, state[f"{name}.zero"]).product()
    return Int8Linear(state[f"{name}.weight"], scale)
