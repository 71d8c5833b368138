"""The slot aligner asks and reads as transformers' forced aligner does."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from fake_recognizer import RATE, LevelRecognizer
from transformers.models.qwen3_asr import Qwen3ASRFeatureExtractor

from antiphon.errors import UserError
from antiphon.recognition.alignment import slots
from antiphon.recognition.alignment.aligner import ALIGNERS
from antiphon.recognition.qwen3_asr.checkpoint import load

SOUND = np.random.default_rng(3).normal(0, 0.1, 3 * RATE + 777).astype(np.float32)


@pytest.fixture
def aligner(original_aligner):
    folder, _ = original_aligner
    return slots.SlotAligner(load(folder), LevelRecognizer(), "tiny")


def test_scores_are_those_of_transformers(aligner, original_aligner, tiny_tokenizer):
    _, theirs = original_aligner
    heard = Qwen3ASRFeatureExtractor(feature_size=80)(
        SOUND, sampling_rate=RATE, padding=True, return_attention_mask=True
    )
    count = 3 * 13 + 1
    prompt = (
        "<|audio_start|>" + "<|audio_pad|>" * count + "<|audio_end|>"
        "it's<timestamp><timestamp>late<timestamp><timestamp>"
    )
    ids = tiny_tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
    with torch.no_grad():
        logits = theirs(
            input_ids=ids,
            input_features=torch.tensor(np.asarray(heard["input_features"])),
            input_features_mask=torch.tensor(np.asarray(heard["attention_mask"])),
        ).logits
    wanted = logits[0][ids[0] == aligner.slot].log_softmax(-1)
    assert aligner.scores(SOUND, ["it's", "late"]) == pytest.approx(wanted.numpy(), abs=2e-3)


def test_every_word_has_a_length_and_none_steps_back(aligner):
    text = ["so", "-", "here", "we", "are", ",", "at", "last"]
    words = aligner.place(SOUND, text, None)
    said = [word for word in words if slots.spoken(word.text)]
    assert [word.text for word in words] == text
    assert all(word.end - word.start >= aligner.step for word in said)
    assert all(a.end <= b.start for a, b in pairwise(said))
    assert all(0 <= (word.confidence or 0) <= 1 for word in words)


def test_signs_alone_are_placed_without_asking(aligner):
    assert aligner.place(SOUND, ["-", "?!"], None)[0].confidence == 0.0


def test_a_model_that_writes_is_no_aligner(native):
    with pytest.raises(UserError, match="aligns nothing"):
        slots.SlotAligner(load(native), LevelRecognizer(), "tiny")


def test_the_checkpoint_says_how_long_a_class_is(original_aligner, monkeypatch):
    folder, _ = original_aligner
    monkeypatch.setattr(slots, "from_pretrained", lambda name: LevelRecognizer())
    assert samples_a_class(folder) == 80 * 16
    (folder / "processor_config.json").write_text(json.dumps({"timestamp_segment_time": 20}))
    assert samples_a_class(folder) == 20 * 16


def samples_a_class(folder):
    inner = slots.load("any", str(folder)).inner
    assert isinstance(inner, slots.SlotAligner)
    return inner.step


def test_it_is_offered():
    assert "slots" in ALIGNERS
