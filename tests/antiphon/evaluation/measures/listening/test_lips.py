"""By ear, by eye and by both, on the same heads in the same babble."""

from __future__ import annotations

from dataclasses import replace

import torch
import toy_mome

from antiphon.evaluation.measures.listening import lips
from antiphon.evaluation.measures.listening.lips import Head

SEES = replace(toy_mome.CONFIG, lips="lips", lip_rates=(1, 2), lip_width=6)


def test_what_lips_add_is_given_at_every_level(monkeypatch):
    model = toy_mome.awake(toy_mome.model(SEES)).eval()
    clips = [toy_mome.clip(i) for i in range(4)]
    heads = [
        Head(clip.text, torch.randn(len(clip.frames) // 2, 6), [clip.frames] * len(lips.LEVELS))
        for clip in clips
    ]
    written = []
    write = type(model).write

    def noted(self, frames, rate, seen=(), lip_rate=0):
        written.append((len(frames[0]) > 0, bool(seen)))
        return write(self, frames, rate, seen, lip_rate)

    monkeypatch.setattr(type(model), "write", noted)
    found = lips.evaluate(heads, model, 2, 1)
    assert found["heads"] == 4 and found["av_gain"].keys() == {"-5", "0", "5"}
    for each in found["av_gain"].values():
        low, high = each["interval"]
        assert low <= each["points"] <= high
        assert abs(each["wer_sound"] - each["wer_both"] - each["points"]) < 0.01
    assert written[0] == (False, True)
    assert written.count((True, False)) == written.count((True, True)) == 3
