"""How long each sound lasts."""

from __future__ import annotations

import torch

from antiphon.t2c.duration_model import DurationConfig, DurationModel, places


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
