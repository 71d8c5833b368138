"""What counts in a transcription, and which contexts clips get."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from antiphon.recognition.qwen3_asr.prompt import Marks
from antiphon.training.jobs.qwen3_asr.model import Size, make_model, make_tokenizer
from antiphon.training.jobs.qwen3_asr.transcription import (
    Writer,
    answer,
    drawn_context,
    transcription_losses,
)

TINY = Size(32, 1, 2, 64, 4, 32, 2, 2, 1, 64, 300, 80, 160, 800)


@dataclass(frozen=True)
class Said:
    text: str
    language: str


CLIP = Said("Zwischen zwei Dingen.", "de")


@pytest.fixture(scope="module")
def writer():
    torch.manual_seed(0)
    tokenizer = make_tokenizer([CLIP.text] * 40, 300)
    return Writer(make_model(TINY, tokenizer, None), tokenizer, Marks.of(tokenizer))


def test_the_loss_counts_what_the_model_answers_alone(writer):
    tokenizer, marks = writer.tokenizer, writer.marks
    said = answer(tokenizer, marks, CLIP, named=False)
    assert tokenizer.decode(said) == "language German<asr_text>Zwischen zwei Dingen.<|im_end|>"
    assert tokenizer.decode(answer(tokenizer, marks, CLIP, named=True)).startswith("Zw")
    nobody = answer(tokenizer, marks, Said("", ""), named=False)
    assert tokenizer.decode(nobody) == "language None<asr_text><|im_end|>"
    sound = torch.zeros(26, 32)
    loss = transcription_losses(writer, [sound], [CLIP], np.random.default_rng(0))["loss"]
    assert loss.item() == pytest.approx(np.log(len(tokenizer)), rel=0.3)


def test_contexts_hold_the_words_of_a_clip_or_only_others():
    pool = ["Zwischen", "Unrelated", "Nonsense"]
    draws = [drawn_context(CLIP, pool, np.random.default_rng(seed)) for seed in range(200)]
    given = [draw for draw in draws if draw]
    with_own = [draw for draw in given if "Zwischen" in draw]
    assert 60 < len(given) < 140
    assert 0.3 < len(with_own) / len(given) < 0.7
