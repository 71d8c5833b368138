"""Pieces are heard as vectors of their own and imagined the same way; letters in the states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.training.jobs.qwen3_asr.labels import Labels, Pieces, imagined
from antiphon.training.jobs.qwen3_asr.lines import Lines
from antiphon.training.jobs.qwen3_asr.model import Size, chosen_layers, make_model, make_tokenizer

TINY = Size(32, 1, 2, 64, 4, 32, 2, 2, 1, 64, 300, 80, 160, 800)
TEXTS = {"en": ["Well, this is a text."], "de": ["Dies ist ein Text."]}


def model():
    torch.manual_seed(0)
    lines = [f" {text}" for lines in TEXTS.values() for text in lines] * 40
    tokenizer = make_tokenizer(lines, 300)
    found = make_model(TINY, tokenizer, None)
    nn.init.orthogonal_(found.get_input_embeddings().weight)
    return found, tokenizer


@pytest.fixture
def part():
    """The part of a model that hears."""
    hears, tokenizer = model()
    return Labels(hears, Pieces(hears, tokenizer), Letters(" abz", 32))


def given(part, labels):
    return part.alphabet.vectors.detach()[labels]


def test_labels_have_neither_case_nor_punctuation(part):
    labels = part.alphabet.encode("Well, this is: a TEXT.")
    assert part.alphabet.decode(labels).strip() == "well this is a text"
    assert part.alphabet.encode("") == []


def test_what_is_surely_heard_of_letters_costs_nothing_and_is_read(part):
    with torch.no_grad():
        part.letters.scores.weight.copy_(20 * torch.eye(5, 32))
        part.letters.scores.bias.zero_()
    states = torch.eye(32)[[0, 2, 2, 0, 3, 1, 0, 4]]
    assert part.read_letters(states) == "ab z"
    right, wrong = (part.letter_losses([states], [text])["loss"] for text in ("AB, z!", "abz"))
    assert right < 0.01 < 1 < wrong


def test_a_vector_is_heard_as_its_label_and_the_blank_as_none(part):
    a, b = (part.alphabet.encode("q")[-1], part.alphabet.encode("z")[-1])
    blank = part.alphabet.blank
    assert part.read(given(part, [blank, a, a, blank, a, b, blank])) == "qqz"
    sound = given(part, [blank, *part.alphabet.encode("q"), blank])
    right, wrong = (part.losses([sound], [text])["loss"] for text in ("q", "z"))
    assert right < wrong


def test_the_vector_itself_is_wanted_and_not_only_its_direction(part):
    sound = given(part, part.alphabet.encode("abc"))
    exact, long = (part.losses([scale * sound], ["abc"])["off"] for scale in (1.0, 3.0))
    assert exact < 0.1 < 2 < long


def test_what_is_heard_teaches_tower_projector_and_letters_alone(part):
    modules = (part.tower, part.projector, part.letters)
    own = {id(weight) for module in modules for weight in module.parameters()}
    assert {id(weight) for weight in part.parameters()} == own


def test_imagined_sound_says_most_of_its_text(part):
    text = "abcdefghijklmnopq"
    found = []
    for seed in range(20):
        heard = part.read(imagined(text, part.alphabet, np.random.default_rng(seed)))
        found.append(len(set(heard) & set(text)) / len(text))
    assert 0.7 < np.mean(found) < 1.0


def test_silence_is_imagined_as_silence(part):
    sound = imagined("", part.alphabet, np.random.default_rng(0))
    assert len(sound) > 0
    assert part.read(sound) == ""


def test_texts_of_a_batch_are_of_about_a_length():
    some = ["a" * n for n in range(1, 100)]
    lines = Lines({"en": some, "de": some})
    for seed in range(20):
        near = [len(line.text) for line in lines.near(8, np.random.default_rng(seed))]
        assert len(near) == 8 and max(near) - min(near) < 60


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
