"""Tokens are heard as the embeddings that reading them gives, and imagined the same way."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from antiphon.training.jobs.qwen3_asr.labels import Labels, framewise, imagined, labels
from antiphon.training.jobs.qwen3_asr.lines import Lines
from antiphon.training.jobs.qwen3_asr.model import Size, chosen_layers, make_model, make_tokenizer

TINY = Size(32, 1, 2, 64, 4, 32, 2, 2, 1, 64, 300, 80, 160, 800)
SCALE = 3.0
"""How much more than an embedding is heard."""
TEXTS = {"en": ["Well, this is a text."], "de": ["Dies ist ein Text."]}


def hearing():
    torch.manual_seed(0)
    tokenizer = make_tokenizer([f" {text}" for lines in TEXTS.values() for text in lines] * 40, 300)
    model = make_model(TINY, tokenizer, None)
    nn.init.orthogonal_(model.get_input_embeddings().weight)
    return tokenizer, model, model.config.audio_token_id


def test_labels_have_neither_case_nor_punctuation():
    tokenizer, _, _ = hearing()
    assert tokenizer.decode(labels(tokenizer, "Well, this is: a TEXT.")) == " well this is a text"
    assert labels(tokenizer, "") == []


def test_an_embedding_is_heard_as_its_token_and_the_mark_as_none():
    _, model, blank = hearing()
    part = Labels(model, blank)
    table = model.get_input_embeddings().weight
    given = [blank, 40, 40, 41, blank, 41, blank]
    assert part.read(SCALE * table[given]) == [40, 41, 41]
    right = part.losses([SCALE * table[given]], [[40, 41, 41]])["loss"]
    wrong = part.losses([SCALE * table[given]], [[40, 42, 41]])["loss"]
    assert right < wrong


def test_a_token_of_text_is_said_around_its_middle_and_meets_no_other():
    assert framewise([(2, 4)], [7], 20, 0) == [7] * 12 + [0] * 8
    two = framewise([(5, 5), (10, 10)], [7, 8], 20, 0)
    assert two == [0] * 3 + [7] * 5 + [8] * 5 + [0] * 7
    assert framewise([], [7], 3, 0) == [-100] * 3 and framewise([], [], 3, 0) == [0] * 3


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6)), min_size=1, max_size=8))
def test_what_is_said_does_not_move_when_it_is_placed_again(gaps):
    places, at = [], 0
    for gap, length in gaps:
        places.append((at + gap, at + gap + length))
        at += gap + length
    text = list(range(1, 1 + len(places)))
    told = framewise(places, text, at + 20, 0)
    again = [(told.index(t), at + 19 - told[::-1].index(t)) for t in text if t in told]
    assert len(again) == len(text) and again == sorted(again)
    for (first, last), (start, end) in zip(again[1:], places[1:], strict=True):
        assert abs((first + last) // 2 - (start + end) // 2) == 0


def test_the_embedding_itself_is_wanted_and_not_only_its_direction():
    _, model, blank = hearing()
    part, table = Labels(model, blank), model.get_input_embeddings().weight.detach()
    given = table[[40, 40, 40, 41, 41, 41]]
    for told in (part.losses, part.ctc_losses):
        exact, long = (told([scale * given], [[40, 41]])["off"] for scale in (1.0, 4.0))
        assert exact < 0.1 < 2 < long


def test_what_is_heard_teaches_tower_and_projector_and_leaves_the_table():
    _, model, blank = hearing()
    part = Labels(model, blank)
    assert not any("embed" in name for name, _ in part.named_parameters())
    assert sum(1 for _ in part.parameters()) == sum(
        1
        for module in (model.model.audio_tower, model.model.multi_modal_projector)
        for _ in module.parameters()
    )


def test_imagined_sound_says_most_of_its_labels_in_order():
    _, model, blank = hearing()
    part, table = Labels(model, blank), model.get_input_embeddings().weight.detach()
    said = list(range(40, 70))
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sound = imagined(said, torch.arange(80, 120), table, blank, rng)
        assert len(sound) >= len(said) - 10
        heard = part.read(sound)
        found.append(len(set(heard) & set(said)) / len(said))
        kept = [token for token in heard if token in said]
        assert kept == sorted(kept)
    assert 0.7 < np.mean(found) < 1.0


def test_silence_is_imagined_as_silence():
    _, model, blank = hearing()
    table = model.get_input_embeddings().weight.detach()
    sound = imagined([], torch.tensor([blank]), table, blank, np.random.default_rng(0))
    assert len(sound) > 0
    assert Labels(model, blank).read(sound) == []


def test_sound_is_imagined_where_the_table_is():
    table = torch.zeros(99, 8, device="meta")
    sound = imagined([40, 41], torch.tensor([50]), table, 3, np.random.default_rng(0))
    assert sound.device.type == "meta"


def test_texts_are_drawn_in_every_language_and_sometimes_none():
    draw = Lines(TEXTS).draw
    drawn = [draw(np.random.default_rng(seed)).language for seed in range(300)]
    assert 0.5 < drawn.count("en") / 300 < 0.7
    assert drawn.count("de") > 60
    assert 0 < drawn.count("") < 40


def test_a_shorter_tower_has_the_teacher_s_first_and_last_layer():
    state = {f"layers.{i}.norm.weight": torch.tensor([float(i)]) for i in range(6)}
    found = chosen_layers({**state, "norm.weight": torch.ones(1)}, 6, Size(encoder_layers=4))
    assert [found[f"layers.{i}.norm.weight"].item() for i in range(4)] == [0, 2, 3, 5]
    assert "norm.weight" in found
