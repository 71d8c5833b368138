"""From characters to sounds."""

from __future__ import annotations

import torch

from antiphon.t2c.pronouncer import SLOTS, Pronouncer, PronouncerConfig, character_ids, unit_scale


def test_reading_slots_collapses_repeats_but_not_across_silence():
    pronouncer = Pronouncer(PronouncerConfig(sounds=3, hidden=4, width=8, inner=8, blocks=1))
    best = [0, 0, 3, 0, 1, 3]
    scores = torch.nn.functional.one_hot(torch.tensor(best), 4).float()
    assert pronouncer.read(scores) == ([0, 0, 1], [0, 1, 1])


def test_padding_does_not_change_what_is_pronounced():
    pronouncer = Pronouncer(PronouncerConfig(sounds=5, hidden=4, width=8, inner=8, blocks=2))
    ids = torch.tensor([character_ids("hello")])
    vectors = torch.randn(1, 5, 4)
    alone = pronouncer(ids, vectors, torch.ones(1, 5, dtype=torch.bool))
    padded = pronouncer(
        torch.cat([ids, torch.ones(1, 4, dtype=torch.long)], 1),
        torch.cat([vectors, torch.randn(1, 4, 4)], 1),
        torch.arange(9)[None] < 5,
    )
    torch.testing.assert_close(padded[:, : 5 * SLOTS], alone, atol=1e-5, rtol=1e-5)


def test_unit_scale_keeps_silence_silent():
    scaled = unit_scale(torch.stack([torch.full((4,), 3.0), torch.zeros(4)]))
    assert scaled.tolist() == [[1.0] * 4, [0.0] * 4]
