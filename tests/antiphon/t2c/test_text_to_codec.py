"""The generator: every sound knows its token, segments join, states belong to the caller."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest
import torch

from antiphon.messages import Segment, Token
from antiphon.t2c.phonemes import BEGIN, END
from antiphon.t2c.plan import sentences, timed
from antiphon.t2c.spelling import spell
from antiphon.t2c.text_to_codec import T2CConfig, TextToCodec
from antiphon_codecs.unit_language.unit_language import UnitLanguage

SOUNDS = ("^", "$", " ", ",", ".", "a", "b", "ˈa", "iː")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    language = UnitLanguage.train([rng.integers(0, 8, 400)], 8, vocabulary=20, max_length=3)
    config = T2CConfig(12, 16, SOUNDS, width=16, lm_layers=2, lm_heads=2, lm_inner=24)
    return TextToCodec(config, language, torch.randn(50, 12)).eval().requires_grad_(False)


def segment(text, final=True, seed=0):
    draw = torch.Generator().manual_seed(seed)
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
    return Segment(
        tuple(Token(i % 50, p, torch.randn(12, generator=draw)) for i, p in enumerate(pieces)),
        final,
    )


def speak(model, segments, source="hidden"):
    chance = torch.Generator().manual_seed(3)
    state, lm = model.start(), model.lm.start()
    units, plans = [], []
    for each in segments:
        plan, state = model.plan(each, state, source=source, generator=chance)
        plans.append(plan)
        for piece, reached in model.utter(plan, lm):
            units += piece.tolist()
            lm = reached
    return units, plans


@pytest.mark.parametrize("source", ["hidden", "text"])
def test_a_plan_is_spoken_to_its_last_unit_and_no_further(model, source):
    units, (plan,) = speak(model, [segment("Hello there, how are you?")], source)
    assert len(units) == plan.units == sum(sum(c.lengths) for c in plan.clauses)


def test_words_cover_the_segment_in_order(model):
    _, (plan,) = speak(model, [segment("One two three.")])
    assert [w.text for w in plan.words] == ["One", "two", "three."]
    assert plan.words[0].start == 0
    assert plan.words[-1].end == plan.units
    assert all(a.end <= b.start for a, b in zip(plan.words, plan.words[1:], strict=False))


def test_sentences_begin_and_end_with_their_marks(model):
    _, (plan,) = speak(model, [segment("One. Two")])
    begin, end = model.inventory.id(BEGIN), model.inventory.id(END)
    assert [c.fresh for c in plan.clauses] == [True, True]
    assert all(c.sounds[0] == begin and c.sounds[-1] == end for c in plan.clauses)


def test_a_sentence_goes_on_in_the_next_segment(model):
    _, (first, second) = speak(model, [segment("The cap", False), segment(" of France.")])
    assert first.clauses[0].fresh and not second.clauses[0].fresh
    begin, end = model.inventory.id(BEGIN), model.inventory.id(END)
    assert first.clauses[0].sounds == (begin, *model_sounds(model, "The cap"))
    assert second.clauses[0].sounds[-1] == end


def model_sounds(model, text):
    each = segment(text, False)
    vectors = model.token_vectors(each, "text")
    return model.pronounce(spell([t.text for t in each.tokens]), vectors, model.start())[0]


def test_context_changes_what_follows(model):
    _, (_, after) = speak(model, [segment("Aba baa", False), segment(" bab abba.")])
    _, (alone,) = speak(model, [segment(" bab abba.")])
    assert after.clauses[0].condition.shape != alone.clauses[0].condition.shape or not (
        torch.allclose(after.clauses[0].condition, alone.clauses[0].condition)
    )


@pytest.mark.parametrize("text", ["", " ", "...", "🙂", "日本語", "\n\n", "a", "7", "**"])
def test_odd_text_neither_fails_nor_runs_away(model, text):
    units, plans = speak(model, [segment(text)] if text else [])
    assert len(units) == sum(p.units for p in plans) <= 64 * 3 * 12


def test_two_streams_do_not_disturb_each_other(model):
    one, two = segment("One thing.", seed=1), segment("Another thing!", seed=2)
    alone = [speak(model, [one])[0], speak(model, [two])[0]]
    states = [(model.start(), model.lm.start()) for _ in range(2)]
    chances = [torch.Generator().manual_seed(3) for _ in range(2)]
    spoken = [[], []]
    plans = [
        model.plan(each, state, generator=chance)[0]
        for each, (state, _), chance in zip((one, two), states, chances, strict=True)
    ]
    streams = [model.utter(p, lm) for p, (_, lm) in zip(plans, states, strict=True)]
    for pair in zip_longest(*streams):
        for units, piece in zip(spoken, pair, strict=True):
            units += piece[0].tolist() if piece else []
    assert spoken == alone


def test_save_and_load(model, tmp_path):
    model.save(tmp_path / "t2c.safetensors")
    again = TextToCodec.load(tmp_path / "t2c.safetensors", model.language, model.embeddings)
    text = segment("Well, hello.")
    assert model.pronounce(spell(["Well"]), torch.zeros(1, 12), model.start()) == (
        again.pronounce(spell(["Well"]), torch.zeros(1, 12), again.start())
    )
    assert speak(again, [text])[1][0].words[0].text == "Well,"


def test_sentences_of_a_spelling():
    parts = [(p.text, ends) for p, ends in sentences(spell(["Hi there. How", " are you? I"]))]
    assert parts == [("Hi there.", True), ("How are you?", True), ("I", False)]


def test_a_word_without_sound_takes_no_time():
    words = list(timed("a ** b", [(0, 0, 4), (5, 4, 9)]))
    assert [(w.text, w.start, w.end) for w in words] == [("a", 0, 4), ("**", 4, 4), ("b", 4, 9)]
