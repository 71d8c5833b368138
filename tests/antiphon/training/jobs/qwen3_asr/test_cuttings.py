"""Texts sound as their labels do in clips, in the same language."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.training.jobs.qwen3_asr.batches import Batch
from antiphon.training.jobs.qwen3_asr.cuttings import cut
from antiphon.training.jobs.qwen3_asr.labels import Labels


class FourLetters:
    """Labels with vectors at right angles."""

    blank, letters, vectors = 0, "abcd", torch.eye(5, 16)

    def encode(self, text: str) -> list[int]:
        return [self.letters.index(letter) + 1 for letter in text]

    def decode(self, labels: Sequence[int]) -> str:
        return "".join(self.letters[label - 1] for label in labels)


LETTERS = FourLetters()


@pytest.fixture
def labels():
    hears = SimpleNamespace(
        model=SimpleNamespace(audio_tower=nn.Identity(), multi_modal_projector=nn.Identity())
    )
    return Labels(hears, LETTERS, Letters("abcd", 16))


def sound(text, scale):
    """Three frames of each letter and one of silence; how loud it is tells where it is from."""
    letters = [
        torch.cat([scale * LETTERS.vectors[[label] * 3], LETTERS.vectors[[0]]])
        for label in LETTERS.encode(text)
    ]
    return torch.cat([LETTERS.vectors[[0, 0]], *letters])


@pytest.fixture
def cuttings(labels):
    clips = [("abc", "en", 1.0), ("cba", "de", 0.9), ("", "", 1.0)]
    said = [SimpleNamespace(text=text, language=language) for text, language, _ in clips]
    batch = cast(Batch, SimpleNamespace(clips=said))
    return cut(labels, [(batch, [sound(text, scale) for text, _, scale in clips])])


def spoken(cuttings: Any, text: str, language: str, seed: int = 0) -> torch.Tensor:
    return cuttings.spoken(text, language, np.random.default_rng(seed))


def test_a_text_that_nobody_spoke_is_heard(cuttings, labels):
    found = spoken(cuttings, "cab", "en")
    assert labels.read(found) == "cab"
    assert len(found) == len(sound("cab", 1.0))


def test_its_parts_are_of_its_language(cuttings):
    for language, scale in (("en", 1.0), ("de", 0.9)):
        letter = spoken(cuttings, "a", language)[2]
        assert letter.norm().item() == pytest.approx(scale, abs=0.02)


def test_what_was_never_heard_is_imagined(cuttings, labels):
    assert "d" in {*labels.read(spoken(cuttings, "dab" * 9, "en", 1))}
    assert labels.read(spoken(cuttings, "", "")) == ""


def test_the_same_numbers_draw_the_same(cuttings):
    assert torch.equal(spoken(cuttings, "abcab", "en"), spoken(cuttings, "abcab", "en"))
