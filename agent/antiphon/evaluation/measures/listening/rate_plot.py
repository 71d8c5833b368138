"""Curves of what `antiphon eval mome` found: word errors by rate, and who uses which experts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw a result to a picture, one panel for word errors and one for experts, if there are any.

    Args:
        result: of `evaluate`: models by name, `router` of the first.
        path: of the picture; its suffix says of what kind.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    models = {name: found for name, found in result.items() if _is_model(found)}
    agreement: Mapping[str, float] = result.get("router", {}).get("agreement") or {}
    count = 1 + bool(agreement)
    size = (1 + 4 * count, 4.5)
    figure, panels = plt.subplots(1, count, figsize=size, squeeze=False, layout="constrained")
    for name, found in models.items():
        rates = sorted(found["wer"])
        middle = np.array([found["wer"][rate] for rate in rates])
        ends = np.array([found["wer_interval"][rate] for rate in rates]).T
        label = f"{Path(name).name} ({found['active_params'] / 1e6:.2f} M active)"
        spread = np.abs(ends - middle)
        panels[0, 0].errorbar(rates, middle, spread, marker="o", capsize=3, label=label)
    known = sorted({rate for found in models.values() for rate in found["wer"]})
    panels[0, 0].set_xscale("log", base=2)
    panels[0, 0].set_xticks(known, map(str, known))
    panels[0, 0].set_xlabel("rate: encoder states averaged to one")
    panels[0, 0].set_ylabel("word error rate, %")
    figure.legend(loc="outside upper left", fontsize=8)
    if agreement:
        pairs = {tuple(map(int, pair.split(", "))): value for pair, value in agreement.items()}
        rates = sorted({rate for pair in pairs for rate in pair})
        table = [[pairs.get((min(a, b), max(a, b)), 1.0) for b in rates] for a in rates]
        shown = panels[0, 1].imshow(table, vmin=0, vmax=1)
        panels[0, 1].set_xticks(range(len(rates)), rates)
        panels[0, 1].set_yticks(range(len(rates)), rates)
        panels[0, 1].set_title("correlation of the use of experts")
        figure.colorbar(shown, ax=panels[0, 1])
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _is_model(found: Any) -> bool:
    return isinstance(found, Mapping) and "wer_interval" in found
