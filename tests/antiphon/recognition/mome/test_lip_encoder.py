"""States of pictures: alike in any light, from pictures near by only, and kept in a folder."""

from __future__ import annotations

import pytest
import torch

from antiphon.errors import UserError
from antiphon.recognition.lips.lip_pictures import SIZE
from antiphon.recognition.mome import lip_encoder
from antiphon.recognition.mome.lip_encoder import LipConfig, LipEncoder

CONFIG = LipConfig(width=16, channels=4, blocks=2, reach=2, visemes=5)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return LipEncoder(CONFIG).eval().requires_grad_(False)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_there_is_a_state_for_every_picture(encoder, count):
    assert encoder(torch.rand(2, count, SIZE, SIZE)).shape == (2, count, 16)


def test_a_state_depends_on_pictures_near_by_only(encoder):
    pictures = torch.rand(1, 40, SIZE, SIZE)
    before = encoder(pictures)
    pictures[0, 20] = torch.rand(SIZE, SIZE)
    changed = (encoder(pictures) - before).abs().amax(-1)[0] > 1e-6
    sight = CONFIG.sight
    assert changed[20] and not changed[: 20 - sight].any() and not changed[21 + sight :].any()
    # So pictures may come one after another: what is far enough behind does not change any more.
    part = encoder(pictures[:, : 20 + sight])[:, :20]
    torch.testing.assert_close(part, encoder(pictures)[:, :20])


def test_light_and_contrast_matter_little(encoder):
    pictures = torch.rand(1, 5, SIZE, SIZE)
    torch.testing.assert_close(encoder(pictures), encoder(0.6 * pictures + 0.3), atol=0.1, rtol=0.1)


def test_an_encoder_is_what_its_folder_holds(encoder, tmp_path):
    with pytest.raises(UserError, match=r"no config\.json"):
        lip_encoder.load(tmp_path)
    lip_encoder.save(encoder, tmp_path / "lips", seed=1)
    again = lip_encoder.load(tmp_path / "lips")
    pictures = torch.rand(1, 6, SIZE, SIZE)
    torch.testing.assert_close(again(pictures), encoder(pictures), atol=2e-2, rtol=2e-2)
    (tmp_path / "lips" / "config.json").write_text('{"width": 8}')
    with pytest.raises(UserError, match=r"does not fit its config\.json"):
        lip_encoder.load(tmp_path / "lips")
    (tmp_path / "lips" / lip_encoder.FILE).unlink()
    with pytest.raises(UserError, match="antiphon train lips"):
        lip_encoder.load(tmp_path / "lips")
