"""The jobs of a voice learn: alignment finds the path, losses fall on a tiny corpus."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from antiphon.errors import UserError
from antiphon.llm import lora
from antiphon.messages import Segment, Token
from antiphon.t2c.text_to_codec import T2CConfig, TextToCodec
from antiphon.training.corpora import pseudo_units
from antiphon.training.corpora.own_replies import OwnReply
from antiphon.training.corpora.teacher import Utterance
from antiphon.training.corpora.teacher_latents import Corpus, write
from antiphon.training.forced_alignment import align
from antiphon.training.jobs import echo_training, unit_codec
from antiphon.training.jobs.language_model import Exchange
from antiphon.training.jobs.pronouncer import distance
from antiphon.training.jobs.unit_lm import Example, Speaking, pad
from antiphon.training.voice_recipe import VoiceRecipe
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig
from antiphon_codecs.unit_language.unit_language import UnitLanguage

SOUNDS = ("^", "$", " ", ",", ".", "a", "b", "ˈa", "iː")


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    language = UnitLanguage.train([rng.integers(0, 8, 400)], 8, vocabulary=20, max_length=3)
    config = T2CConfig(12, 16, SOUNDS, width=16, lm_layers=1, lm_heads=2, lm_inner=24)
    return TextToCodec(config, language, torch.randn(50, 12))


def example(model, rng):
    sounds = rng.integers(0, len(SOUNDS), 9)
    sounds[4] = SOUNDS.index(" ")
    units = np.repeat(sounds % 8, 3)
    words = model.language.encode(units)
    spans = model.language.lengths[words]
    return Example(sounds, np.full(9, 3), sounds % 50, words, spans.cumsum() - spans)


def falls(model, task, steps=60):
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], 3e-3)
    losses = []
    for step in range(steps):
        loss = task.step(step)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[-1] < 0.8 * losses[0]


def test_alignment_follows_the_likeliest_path():
    best = [3, 0, 3, 1, 1, 3, 1, 3]
    scores = np.full((8, 4), -9.0, np.float32)
    scores[np.arange(8), best] = -0.01
    assert align(scores, [0, 1, 1], blank=3) == [1, 3, 6]


def test_alignment_admits_when_labels_do_not_fit():
    assert align(np.zeros((2, 4), np.float32), [0, 1, 2], blank=3) == []


def test_edit_distance():
    assert distance([*b"kitten"], [*b"sitting"]) == 3
    assert distance([], [*b"abc"]) == 3


def test_shards_round_trip(tmp_path):
    spoken = [
        Utterance("One.", np.array([1, 5, 2], np.int16), np.array([2, 3, 1], np.int16), z)
        for z in (np.ones((6, 192), np.float16), np.zeros((6, 192), np.float16))
    ]
    write(spoken, tmp_path / "00000.npz")
    corpus = Corpus.load(tmp_path)
    assert corpus.texts == ["One.", "One."]
    assert [z.shape for z in corpus.latents] == [(6, 192)] * 2
    assert corpus.durations[1].tolist() == [2, 3, 1]


def test_padding_says_what_is_real():
    filled, real = pad([np.array([1, 2]), np.array([3])], value=7)
    assert filled.shape == real.shape == (2, 32)
    assert real.sum(1).tolist() == [2, 1]
    assert filled[1, 1] == 7


def test_stage_two_learns(model):
    rng = np.random.default_rng(1)
    task = Speaking(model, [example(model, rng) for _ in range(30)])
    assert falls(model, task)
    assert set(task.held_out()) == {"loss", "unit", "length", "right"}


def test_a_cut_hides_what_is_not_yet_known(model):
    rng = np.random.default_rng(1)
    one = example(model, rng)
    task = Speaking(model, [one, one]).eval()
    other = Example(one.sounds.copy(), one.lengths, one.tokens, one.words, one.starts)
    other.sounds[6] = (other.sounds[6] + 1) % len(SOUNDS)
    conditions = []
    for each in (one, other):
        sounds, present = pad([each.sounds])
        vectors = torch.zeros(1, sounds.shape[1], 12)
        with torch.inference_mode():
            conditions.append(task._condition([each], sounds, present, vectors, [4])[0])
    same = (conditions[0] - conditions[1]).abs().amax(-1)[0] < 1e-6
    assert same[:12].all() and not same[12:27].all()


def test_many_sentences_at_once_are_what_each_is_alone(model):
    model.eval()
    model.lm.window = 10_000  # an untrained voice draws its sounds out for longer than real ones
    pieces = [["Ab", " bab", " aa", " b", " abb", " ab", "."], ["Baa", "."], ["A", " b", "!"]]
    plans = []
    for reply in pieces:
        tokens = tuple(Token(i, p, torch.zeros(12)) for i, p in enumerate(reply))
        first, second = Segment(tokens[:2], False), Segment(tokens[2:] or tokens[-1:], True)
        draw = torch.Generator().manual_seed(0)
        plan, state = model.plan(first, model.start(), source="text", generator=draw)
        rest, _ = model.plan(second, state, source="text", generator=draw)
        plans.append([plan.clauses[0], *(c for c in rest.clauses if not c.fresh)])
    alone = []
    for clauses in plans:
        words, lm = [], model.lm.start()
        for clause in clauses:
            for word, reached in model.lm.speak(clause.condition, model.word_lengths, lm):
                words.append(word)
                lm = reached
        alone.append(words)
    with torch.inference_mode():
        assert pseudo_units.speak_many(model.lm, plans, model.word_lengths) == alone


def test_echo_training_learns_from_hidden_states(model):
    rng = random.Random(0)
    draw = torch.Generator().manual_seed(0)
    states = torch.randn(50, 12, generator=draw)
    replies = [
        [
            Token(id_ := rng.randrange(50), piece, states[id_])
            for piece in ("Aba", " ba", ",", " bab", " abba", " aa", ".", " Ba", " a", ".")
        ]
        for _ in range(12)
    ]
    examples = pseudo_units.pseudo(model.eval(), [OwnReply([1, 2, 3], reply) for reply in replies])
    assert all(e.speech.lengths.sum() > 0 for e in examples)
    assert any(e.cut < len(e.speech.sounds) for e in examples)
    assert echo_training.warm_start(model, replies, steps=200) > 0.3
    before = {k: v.clone() for k, v in model.state_dict().items()}
    falls(model, echo_training.Echo(model.train(), examples), steps=5)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {f"denoiser.{k}" for k in model.denoiser.state_dict()}
    assert falls(model, echo_training.Echo(model.train(), examples, generator=True))


def test_joint_echo_training_reaches_the_language_model_and_keeps_it_answering(model):
    torch.manual_seed(0)
    sizes = {"hidden_size": 12, "intermediate_size": 16, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    llm = LlamaForCausalLM(LlamaConfig(vocab_size=50, tie_word_embeddings=True, **sizes, **heads))
    corrections = lora.attach(llm, rank=4, alpha=4.0)
    rng = random.Random(0)
    replies = []
    for _ in range(12):
        pieces = ("Aba", " ba", ",", " bab", " abba", ".")
        ids = [rng.randrange(50) for _ in pieces]
        with torch.no_grad():
            read = llm.get_decoder()(input_ids=torch.tensor([[1, 2, *ids[:-1]]])).last_hidden_state
        tokens = [Token(*row) for row in zip(ids, pieces, read[0, 1:], strict=True)]
        replies.append(OwnReply([1, 2], tokens))
    examples = pseudo_units.pseudo(model.eval(), replies)
    told = [Exchange([1, 2], [7, 8]), Exchange([5], [9])]
    texts: Any = SimpleNamespace(batch=lambda step, size: told, before=[1], after=[2])
    task = echo_training.JointEcho(model.train(), examples, llm, texts)

    now = task.states(examples[:3])
    for states, example in zip(now, examples, strict=False):
        expected = torch.from_numpy(example.hidden).float()
        torch.testing.assert_close(states, expected, atol=2e-3, rtol=2e-3)

    frozen = {k: v.clone() for k, v in llm.state_dict().items() if "base" in k or "embed" in k}
    before = float(task.step(0)["s2t"])
    falls(model, task, steps=40)
    assert float(task.step(0)["s2t"]) < before
    assert all(layer.up.abs().max() > 0 for layer in corrections.values())
    assert all(torch.equal(llm.state_dict()[k], v) for k, v in frozen.items())


def test_noise_is_measured_as_the_teacher_makes_it():
    """A teacher that makes twice the noise where the latent is positive."""
    config = UnitCodecConfig(codes=2, width=8, hidden=8, encoder_blocks=0, decoder_blocks=1)
    listener = UnitCodec(config).eval()
    listener.encode_latent = lambda z: (z[:, 0] > 0).long().numpy()
    rng = np.random.default_rng(0)
    factor = np.linalg.cholesky(np.corrcoef(rng.standard_normal((192, 400))))

    class Noisy:
        def phonemes(self, text):
            return [[1, 5, 2]] * 40

        def speak(self, text, phonemes, *, noise, noise_w):
            smooth = np.where(np.arange(80) % 8 < 4, 1.0, -1.0)[:, None].repeat(192, 1)
            white = rng.standard_normal((80, 192))
            latent = smooth + noise * (1.5 + smooth / 2) * (white @ factor.T)
            return SimpleNamespace(latent=latent.astype(np.float32))

    teacher: Any = Noisy()
    unit_codec.add_noise(listener, teacher, ["One.", "Two."])
    usual = unit_codec.ROUGHNESS * unit_codec.NOISE
    np.testing.assert_allclose(listener.roughness[0], usual, rtol=0.1)
    np.testing.assert_allclose(listener.roughness[1], 2 * usual, rtol=0.1)
    np.testing.assert_allclose(listener.texture @ listener.texture.mT, factor @ factor.T, atol=0.1)


def test_stage_three_asks_for_the_ears_it_belongs_to(tmp_path):
    shop = VoiceRecipe(tmp_path, tmp_path / "work", tmp_path / "new" / "voice")
    with pytest.raises(UserError, match="new/s2t has no lora.*train s2t"):
        shop.states(1)
