"""Stages of the voice beside the teacher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from antiphon.evaluation.judges import Judges
from antiphon.evaluation.measures.speaking.voice_stages import (
    STAGES,
    Sentence,
    Stages,
    evaluate,
    latent_errors,
)
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig

TEXTS = ["red blue green white", "black grey"]


class FakeCodec:
    """Every unit sounds for ten samples; its number is what one hears."""

    sample_rate = 16_000

    def decode(self, units: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.repeat(units.astype(np.float32), 10)


class FakeStages:
    """Says both texts right by one stage and the first one wrong by all others."""

    codec = FakeCodec()

    def units(self, text: str, wanted: Sequence[str]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        for name in wanted:
            said = TEXTS.index(text) if name == "teacher_units" else 1
            yield name, np.full(2 if name == "teacher_units" else 1, said)


def judged(wanted: Sequence[str]) -> dict[str, Any]:
    return evaluate(
        TEXTS,
        cast(Stages, FakeStages()),
        lambda text: np.full(20, TEXTS.index(text), np.float32),
        Judges(lambda pcm: TEXTS[int(pcm[0])], lambda pcm: len(pcm) / 10),
        wanted,
    )


def test_every_stage_is_beside_the_teacher():
    found = judged(STAGES)
    assert found["sentences"] == 2 and found["words"] == 6
    assert found["teacher"]["wer"] == found["teacher_units"]["over_teacher"] == 0
    assert found["teacher_units"]["duration"] == 1
    whole = found["whole"]
    assert whole["wer"] == whole["over_teacher"] == pytest.approx(400 / 6, abs=1e-3)
    assert whole["low"] <= whole["over_teacher"] <= whole["high"]
    assert whole["duration"] == 0.5
    assert found["teacher"]["mos"] == 2.0 and whole["mos"] == 1.0
    assert whole["mos_low"] == whole["mos_below_teacher"] == whole["mos_high"] == 1.0


def test_only_wanted_stages_are_spoken():
    assert set(judged(["whole"])) == {"sentences", "words", "teacher", "whole"}


class OneUnit(Stages):
    """Says sentences of ten units; by its own unit LM always the same unit, by its lengths five."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.codec = UnitCodec(UnitCodecConfig(codes=64, latent=4, width=16, hidden=16)).eval()

    def taught(self, text: str) -> Iterator[Sentence]:
        chance = torch.Generator().manual_seed(len(text))
        units = torch.randint(64, (10,), generator=chance).numpy()
        yield Sentence([0], [10], torch.zeros(1, 4), self.codec.decode_latent(units))

    def spoken(self, stage: str, sentence: Sentence) -> NDArray[np.int64]:
        if stage == "teacher_units":
            return self.codec.encode_latent(sentence.latent)
        return np.zeros(5 if stage == "teacher_phonemes_our_lengths" else 10, np.int64)


def test_latents_are_compared_with_the_teachers():
    stages = OneUnit()
    stages.codec.roughness.fill_(5.0)
    found = latent_errors(TEXTS, stages)
    assert found["lengths"] == 0.5
    forced, free = found["unit_lm_teacher_forced"], found["teacher_phonemes_and_lengths"]
    assert forced == free and forced["low"] <= forced["error"] <= forced["high"]
    assert (stages.codec.roughness == 5.0).all()
