"""What was found of Drax is drawn: a panel for each thing that was measured."""

from __future__ import annotations

import pytest

from antiphon.evaluation.measures.listening import drax_plot
from antiphon.evaluation.measures.listening.recognition import STEPS

WAYS = ["wer", "wer_whisper", *(f"wer_{count}" for count in STEPS), *drax_plot.CANDIDATES]
MEASURED = {
    **dict.fromkeys(WAYS, 28.0),
    **{f"{way}_interval": [25.0, 31.0] for way in WAYS},
    "work": dict.fromkeys(WAYS, 0.05),
}
PATHS = {"steps": 150, "uniform source": {"wer": 24.8, "interval": [21.0, 28.0]}}


@pytest.mark.parametrize(
    ("result", "panels"),
    [(MEASURED, 3), ({"ablation": PATHS}, 1), ({**MEASURED, "ablation": PATHS}, 4)],
)
def test_a_result_becomes_a_picture(result, panels, tmp_path):
    from matplotlib import image

    path = tmp_path / "drax.png"
    drax_plot.draw(result, path)
    height, width, _ = image.imread(path).shape
    assert round(width / height / (4.2 / 4)) == panels
