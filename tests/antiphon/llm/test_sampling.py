"""Tokens are chosen by their logits, repeatably."""

import torch

from antiphon.llm.sampling import penalize_repeats, sample


def test_drawing_is_seeded():
    logits = torch.randn(50, generator=torch.Generator().manual_seed(0))

    def draws(seed):
        generator = torch.Generator().manual_seed(seed)
        return [sample(logits, 1.0, 0.8, generator) for _ in range(20)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert sample(logits, 1.0, 1e-6, torch.Generator()) == int(logits.argmax())


def test_recent_tokens_become_less_likely():
    logits = torch.tensor([2.0, -1.0, 0.5])
    assert penalize_repeats(logits, [0, 1, 0], 2.0).tolist() == [1.0, -2.0, 0.5]
    assert logits.tolist() == [2.0, -1.0, 0.5]
