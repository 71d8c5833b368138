"""Unit words compared with raw units."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from antiphon.evaluation.measures.speaking import unit_language


def test_units_of_a_language_without_loss(tiny_agent):
    codec, language = tiny_agent.voice.codec, tiny_agent.voice.t2c.language
    asked = []

    def recognize(pcm):
        asked.append(len(pcm))
        return "a b c d"

    result = unit_language.evaluate(
        ["a b c d", "a b c e"], lambda text: torch.randn(50, 192), codec, language, recognize
    )

    assert len(asked) == 4  # equal units are not listened to twice
    assert result["wer_loss"] == 0 and result["sentences_changed"] == 0
    assert result["compression"] >= 1 and result["seconds"] == round(100 * 256 / 22050, 2)
    assert result["wer"] == {"teacher": 12.5, "units": 12.5, "words": 12.5}
    rate = result["units_per_second"] / result["words_per_second"]
    assert rate == pytest.approx(result["compression"], abs=0.01)


def test_units_of_a_language_with_loss(tiny_agent):
    class Lossy:
        def encode(self, units):
            return units[::2]

        def decode(self, words):
            return words

    def recognize(pcm):
        return "a b c d" if len(pcm) > 40 * 256 * 16_000 / 22_050 else "a b"

    lossy: Any = Lossy()
    result = unit_language.evaluate(
        ["a b c d"], lambda text: torch.randn(50, 192), tiny_agent.voice.codec, lossy, recognize
    )
    assert result["compression"] == 2.0 and result["wer_loss"] == 50.0
