"""The unit language model, whole and streaming."""

from __future__ import annotations

import numpy as np
import torch

from antiphon.llm.llama import Llama, LlamaConfig
from antiphon.t2c.unit_lm import CONDITION_OFFSETS, UnitLM, look


def test_decoder_streams_what_it_computes_whole():
    llama = Llama(LlamaConfig(16, 2, 2, 24)).eval()
    x = torch.randn(1, 12, 16)
    with torch.inference_mode():
        whole, _ = llama(x)
        cache, steps = (), []
        for t in range(12):
            y, cache = llama(x[:, t : t + 1], cache, t)
            steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=1e-5, rtol=1e-5)


def test_unit_lm_speaks_what_teacher_forcing_scores_best():
    lm = UnitLM(6, 8, LlamaConfig(16, 2, 2, 24)).eval().requires_grad_(False)
    lengths = torch.tensor([1, 1, 1, 1, 2, 3])
    condition = torch.randn(17, 8)
    words = [word for word, _ in lm.speak(condition, lengths, lm.start())]
    spans = lengths[torch.tensor(words)]
    assert int(spans.sum()) == 17
    starts = (spans.cumsum(0) - spans)[None]
    previous = torch.tensor([[lm.start_id, *words[:-1]]])
    logits = lm(previous, look(condition[None], starts, torch.full_like(starts, 16)))[0]
    room = 17 - starts[0]
    allowed = logits.masked_fill(lengths[None] > room[:, None], -torch.inf)
    assert allowed.argmax(-1).tolist() == words


def test_single_steps_see_a_window():
    lm = UnitLM(6, 8, LlamaConfig(16, 1, 2, 24), window=4).eval().requires_grad_(False)
    inputs = torch.randn(9, 16)
    with torch.inference_mode():
        whole = lm.lm_head(lm.model(inputs[None, -4:])[0])[0, -1]
    cache = lm.session.start()
    for x in inputs:
        logits, cache = lm.session.step(x.numpy(), cache)
    torch.testing.assert_close(torch.from_numpy(logits), whole, atol=1e-5, rtol=1e-5)


def test_light_steps_are_nearly_those_of_the_weights():
    lm = UnitLM(50, 8, LlamaConfig(64, 2, 2, 96)).eval().requires_grad_(False)
    exact = lm.session
    lm.train()
    lm.light = True
    light = lm.eval().session
    a, b = exact.start(), light.start()
    for x in torch.randn(5, 64).numpy():
        wanted, a = exact.step(x, a)
        found, b = light.step(x, b)
        assert np.linalg.norm(found - wanted) < 0.02 * np.linalg.norm(wanted)


def test_look_never_sees_past_what_is_known():
    conditions = torch.arange(10.0)[None, :, None]
    seen = look(conditions, torch.tensor([[3]]), torch.tensor([[4]]))[0, 0].tolist()
    assert seen == [float(min(3 + ahead, 4)) for ahead in CONDITION_OFFSETS]
