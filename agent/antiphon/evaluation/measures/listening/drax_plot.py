"""Curves of what `antiphon eval recognition` found of Drax: steps, candidates, paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.evaluation.measures.listening.recognition import STEPS

CANDIDATES = {
    "wer_one_of_8": "one\nof eight",
    "wer_mbr": "nearest\nto all",
    "wer_scored": "likeliest\nto Whisper",
    "wer_oracle": "best\nthere is",
}
WORD_ERRORS = "word error rate, %"


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw a result to a picture, with its 95 % intervals.

    Args:
        result: of `evaluate_drax`, or of the comparison of paths (`ablation`), or both.
        path: of the picture; its suffix says of what kind.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = [_steps, _work, _candidates] if "wer" in result else []
    panels += [_paths] if "ablation" in result else []
    size = (4.2 * len(panels), 4)
    figure, places = plt.subplots(1, len(panels), figsize=size, squeeze=False, layout="constrained")
    for panel, place in zip(panels, places[0], strict=True):
        panel(result, place)
        place.set_ylim(bottom=0)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _steps(result: Mapping[str, Any], place: Any) -> None:
    """Word errors by evaluations of the decoder, beside Whisper's."""
    marks = range(len(STEPS))
    _rates(place, marks, [f"wer_{count}" for count in STEPS], result, "Drax")
    low, high = result["wer_whisper_interval"]
    place.axhline(result["wer_whisper"], color="gray", label="Whisper's decoder, same states")
    place.axhspan(low, high, color="gray", alpha=0.15)
    place.set_xticks(marks, STEPS)
    place.set_xlabel("evaluations of the decoder")
    place.set_ylabel(WORD_ERRORS)
    place.legend(fontsize=8)


def _work(result: Mapping[str, Any], place: Any) -> None:
    """Seconds of work for a second of sound, decoding alone."""
    marks = range(len(STEPS))
    place.plot(marks, [result["work"][f"wer_{count}"] for count in STEPS], marker="o", label="Drax")
    whisper = result["work"]["wer_whisper"]
    place.axhline(whisper, color="gray", label="Whisper's decoder, float32")
    place.set_xticks(marks, STEPS)
    place.set_xlabel("evaluations of the decoder")
    place.set_ylabel("work for a second of sound, s")
    place.legend(fontsize=8)


def _candidates(result: Mapping[str, Any], place: Any) -> None:
    """Word errors by how one of eight candidates is chosen."""
    marks = range(len(CANDIDATES))
    _rates(place, marks, list(CANDIDATES), result)
    place.set_xticks(marks, list(CANDIDATES.values()), fontsize=8)
    place.set_xlim(-0.5, len(CANDIDATES) - 0.5)
    place.set_ylabel(WORD_ERRORS)


def _paths(result: Mapping[str, Any], place: Any) -> None:
    """Word errors of the decoders that were trained on each path."""
    rows = {name: row for name, row in result["ablation"].items() if isinstance(row, Mapping)}
    flat = {name: row["wer"] for name, row in rows.items()}
    flat |= {f"{name}_interval": row["interval"] for name, row in rows.items()}
    _rates(place, range(len(rows)), list(rows), flat)
    names = [name.replace(", ", ",\n").replace(" source", "\nsource") for name in rows]
    place.set_xticks(range(len(rows)), names, fontsize=8)
    place.set_xlim(-0.5, len(rows) - 0.5)
    place.set_ylabel(WORD_ERRORS)


def _rates(
    place: Any, marks: Any, ways: list[str], result: Mapping[str, Any], label: str | None = None
) -> None:
    middle = np.array([result[way] for way in ways])
    ends = np.array([result[f"{way}_interval"] for way in ways]).T
    line = "-" if label else ""
    spread = np.abs(ends - middle)
    place.errorbar(marks, middle, spread, marker="o", linestyle=line, capsize=3, label=label)
