"""MoME and what it is compared with, all at about the same number of active parameters."""

from __future__ import annotations

from antiphon.errors import UserError
from antiphon.recognition.mome.adapters import AdapterConfig, Place
from antiphon.recognition.mome.experts import MixtureConfig

VARIANTS: dict[str, AdapterConfig] = {
    "mome": AdapterConfig(),
    "no-shared-expert": AdapterConfig(mixture=MixtureConfig(shared=0, top_k=5)),
    "router-per-rate": AdapterConfig(mixture=MixtureConfig(routers="rate")),
    "router-per-rate-no-shared-expert": AdapterConfig(
        mixture=MixtureConfig(shared=0, top_k=5, routers="rate")
    ),
    "lora": AdapterConfig("low rank"),
    "matryoshka-lora": AdapterConfig("low rank"),
    "matryoshka-lora-per-rate": AdapterConfig("low rank", scope="rate"),
    "matryoshka-lora-both": AdapterConfig("low rank", scope="both"),
}
"""By name; `lora` is trained at one rate at a time."""


def adapter(variant: str, rates: int, place: Place, bottleneck: int) -> AdapterConfig:
    """The adapters of a variant.

    Args:
        variant: a name of `VARIANTS`.
        rates: how many it is trained at.
        place: what the experts are parallel to.
        bottleneck: their inner width, by which low-rank corrections are measured, too.

    Raises:
        UserError: There is no such variant, or it is for one rate.
    """
    from dataclasses import replace

    if variant not in VARIANTS:
        raise UserError(f"There is no variant '{variant}': choose {', '.join(VARIANTS)}.")
    if variant == "lora" and rates != 1:
        raise UserError(
            "The variant lora is trained at one rate at a time: give such as --rates 4."
        )
    found = VARIANTS[variant]
    return replace(found, place=place, mixture=replace(found.mixture, bottleneck=bottleneck))
