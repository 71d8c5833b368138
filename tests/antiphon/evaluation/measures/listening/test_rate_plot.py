"""The curves of a result are drawn, with experts and without."""

from __future__ import annotations

import pytest

from antiphon.evaluation.measures.listening import rate_plot

MODEL = {
    "active_params": 2_500_000,
    "wer": {1: 30.0, 4: 40.0},
    "wer_interval": {1: [25.0, 36.0], 4: [31.0, 47.0]},
}
ROUTER = {"agreement": {"1, 4": 0.9}, "agreement_mean": 0.9, "even": {1: 0.8, 4: 0.7}}


@pytest.mark.parametrize("router", [{}, {"router": ROUTER}])
def test_a_result_becomes_a_picture(router, tmp_path):
    from matplotlib import image

    path = tmp_path / "curves.png"
    rate_plot.draw({"clips": 5, "mome": MODEL, "lora-4": MODEL, **router}, path)
    height, width, _ = image.imread(path).shape
    assert height > 200 and (width > 1.5 * height) == bool(router)
