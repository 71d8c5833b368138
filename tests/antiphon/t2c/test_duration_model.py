"""How long each sound lasts."""

from __future__ import annotations

import pytest
import torch

from antiphon.t2c.duration_model import DurationConfig, DurationModel, drawn, places


def test_places_count_through_every_sound():
    owner, place = places(torch.tensor([2, 1, 3]))
    assert owner.tolist() == [0, 0, 1, 2, 2, 2]
    assert place.shape == (6, 4)
    wanted = torch.tensor([0.25, 0.75, 0.5, 0.5 / 3, 1.5 / 3, 2.5 / 3])
    torch.testing.assert_close(place[:, 0], wanted)


def test_voice_reaches_no_further_than_it_says():
    voice = DurationModel(
        DurationConfig(sounds=9, hidden=4, width=8, inner=8, sound_blocks=2)
    ).eval()
    sounds = torch.randint(9, (1, 40))
    vectors, mask = torch.zeros(1, 40, 4), torch.ones(1, 40, dtype=torch.bool)
    other = sounds.clone()
    other[0, 20] = (other[0, 20] + 1) % 9
    with torch.inference_mode():
        change = voice.encode(sounds, vectors, mask) - voice.encode(other, vectors, mask)
    touched = change.abs().amax(-1)[0].nonzero().flatten()
    assert touched.min() >= 20 - voice.sound_reach
    assert touched.max() <= 20 + voice.sound_reach


@pytest.mark.parametrize("liveliness", [0.0, 0.3, 1.0])
def test_drawn_lengths_last_as_long_as_the_mean(liveliness):
    units = torch.arange(1.0, 65)
    scores = (-(units - 4).abs() / torch.where(units < 4, 0.8, 3.0)).expand(4000, -1)  # skewed
    mean = float(scores[0].softmax(-1) @ units)
    found = drawn(scores, liveliness, torch.Generator().manual_seed(0))
    assert float(found.float().mean()) == pytest.approx(mean, rel=0.03)
    assert found.min() >= 1


def test_livelier_lengths_vary_more():
    scores = -0.02 * (torch.arange(1.0, 65) - 20).square().expand(500, -1)
    spread = [
        float(drawn(scores, each, torch.Generator().manual_seed(0)).float().std())
        for each in (0.0, 0.3, 1.0)
    ]
    assert spread[0] < 1 < spread[1] < spread[2]


def test_fractions_of_units_are_carried_on():
    """A sound of 1.25 units on the average lasts two units every fourth time."""
    scores = torch.full((8, 64), -torch.inf)
    scores[:, 0], scores[:, 1] = torch.tensor([0.75, 0.25]).log()
    assert drawn(scores, 0.0).sum() == 10


def test_scaled_lengths_last_longer():
    scores = torch.full((80, 64), -torch.inf)
    scores[:, 3] = 0.0
    assert drawn(scores, 0.3, scale=1.25).sum() == 1.25 * drawn(scores, 0.3).sum()
