"""From hidden states to token embeddings."""

from __future__ import annotations

import torch

from antiphon.t2c.denoising_adapter import DenoisingAdapter, capped, cosine_loss


def test_recall_knows_tokens_it_never_learnt():
    table = torch.nn.functional.normalize(torch.randn(40, 16), dim=-1)
    adapter = DenoisingAdapter(16, 24, recall=4, table=table).eval()
    states = 20 * table[[3, 17]] + 0.1 * torch.randn(2, 16)  # states that are for tokens 3 and 17
    found = adapter(states)
    assert (found @ table.T).argmax(-1).tolist() == [3, 17]
    assert cosine_loss(found, table[[3, 17]]) < 0.01
    torch.testing.assert_close(found[:1], adapter(states[:1]))
    assert set(adapter.state_dict()) == set(DenoisingAdapter(16, 24).state_dict())


def test_adapter_has_the_public_layout():
    names = set(DenoisingAdapter(8, 12).state_dict())
    assert names == {"0.weight", "0.bias", "3.weight", "3.bias"}


def test_cosine_term_never_exceeds_a_fifth_of_the_unit_loss():
    adapted, wanted = torch.randn(5, 8), torch.randn(5, 8)
    cosine = cosine_loss(adapted, wanted)
    assert float(capped(cosine, torch.tensor(1.0))) <= 0.2 + 1e-6
    assert float(capped(cosine, torch.tensor(100.0))) == float(cosine)
    assert float(cosine_loss(wanted, wanted * 3)) < 1e-6
