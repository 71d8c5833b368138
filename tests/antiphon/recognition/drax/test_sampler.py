from __future__ import annotations

import math

import pytest
import torch

from antiphon.recognition.drax.sampler import sample

TRUTH = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])
NOTHING_KEPT = torch.zeros(1, 8, dtype=torch.bool)


def knows(tokens, time, preserve):
    """A model that returns the truth."""
    return 50.0 * torch.nn.functional.one_hot(TRUTH, 10).float().expand(len(tokens), -1, -1)


@pytest.mark.parametrize("jumps", ["rate", "exact"])
@pytest.mark.parametrize("steps", [1, 2, 5, 16])
def test_who_knows_the_text_writes_it_in_any_number_of_steps(steps, jumps):
    found = sample(knows, torch.zeros_like(TRUTH), NOTHING_KEPT, steps, temperature=1, jumps=jumps)
    assert torch.equal(found.tokens, TRUTH) and found.evaluations == steps


def test_evaluations_are_counted_as_asked_at_the_published_times():
    times = []

    def predict(tokens, time, preserve):
        times.append(float(time[0]))
        return torch.zeros(1, 8, 10)

    sample(predict, torch.zeros_like(TRUTH), NOTHING_KEPT, 4, temperature=1)
    assert times == pytest.approx([0, 0.25, 0.5, 0.75])


def test_one_step_is_one_draw_from_the_model():
    torch.manual_seed(0)
    probabilities = torch.tensor([0.5, 0.3, 0.2])
    logits = probabilities.log().expand(1, 30_000, 3)
    found = sample(
        lambda x, t, k: logits,
        torch.zeros(1, 30_000, dtype=torch.long),
        torch.zeros(1, 30_000, dtype=torch.bool),
        1,
        temperature=1,
    )
    shares = torch.bincount(found.tokens[0]) / 30_000
    torch.testing.assert_close(shares, probabilities, atol=0.01, rtol=0)


def test_kept_positions_never_change():
    keep = torch.arange(8)[None] < 3
    start = torch.tensor([[7, 7, 7, 0, 0, 0, 0, 0]])
    seen = []

    def predict(tokens, time, preserve):
        seen.append(tokens.clone())
        return torch.randn(1, 8, 10)

    found = sample(predict, start, keep, 6, temperature=1)
    assert all(torch.equal(tokens[keep], start[keep]) for tokens in (*seen, found.tokens))


@pytest.mark.parametrize(("jumps", "chance"), [("rate", 1 - math.exp(-1 / 4)), ("exact", 1 / 4)])
def test_positions_jump_as_likely_as_the_schedule_says(jumps, chance):
    torch.manual_seed(0)
    changed = []

    def predict(tokens, time, preserve):
        changed.append(float((tokens != 0).float().mean()))
        logits = torch.full((1, 20_000, 2), -60.0)
        logits[..., 1] = 0
        return logits

    start = torch.zeros(1, 20_000, dtype=torch.long)
    sample(predict, start, start.bool(), 4, temperature=1, jumps=jumps)
    assert changed[0] == 0
    assert changed[1] == pytest.approx(chance, abs=0.01)


def test_the_same_seed_draws_the_same():
    def drawn(seed):
        generator = torch.Generator().manual_seed(seed)
        logits = torch.zeros(2, 8, 10)
        start = torch.zeros(2, 8, dtype=torch.long)
        return sample(
            lambda x, t, k: logits, start, start.bool(), 3, temperature=1, generator=generator
        ).tokens

    assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))
