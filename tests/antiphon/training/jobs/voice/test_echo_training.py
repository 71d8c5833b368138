"""Stage III: Echo training."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import torch
from tiny_t2c import falls
from transformers import LlamaConfig, LlamaForCausalLM

from antiphon.llm import lora
from antiphon.messages import Token
from antiphon.training.corpora.voice import pseudo_units
from antiphon.training.corpora.voice.own_replies import OwnReply
from antiphon.training.jobs.language_model import Exchange
from antiphon.training.jobs.voice import echo_training


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
