"""Pictures of a mouth: as long as the sound, the same for a seed, and as bad as the camera."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest

from antiphon.recognition.lips.lip_pictures import SIZE
from antiphon.training.corpora.lips.renderer import (
    HELD_OUT,
    Camera,
    Speaker,
    closer,
    film,
)
from antiphon.training.corpora.lips.visemes import Sound

SAID = [Sound("m", 0.0, 0.4), Sound("aa", 0.4, 0.8)]
PERFECT = Camera()


def speaker(number=1):
    return replace(Speaker.draw(number), liveliness=1.0)


def dark(picture):
    return float((picture < 0.2).mean())


@pytest.mark.parametrize("number", [1, 2, 3, HELD_OUT, HELD_OUT + 1])
def test_an_open_mouth_is_dark_inside(number):
    pictures = film(SAID, 0.8, speaker(number), PERFECT, 0)
    assert pictures.shape == (20, SIZE, SIZE) and pictures.dtype == np.float32
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert dark(pictures[15]) > dark(pictures[4]) + 0.05


def test_teeth_are_seen_for_f_and_not_for_u():
    seen = {}
    for name in ("f", "uw"):
        picture = film([Sound(name, 0.0, 0.4)], 0.4, speaker(), PERFECT, 0)[5]
        seen[name] = picture[SIZE // 2 - 4 : SIZE // 2 + 4, SIZE // 2 - 4 : SIZE // 2 + 4].max()
    assert seen["f"] > seen["uw"]


def test_a_seed_gives_the_same_pictures_and_speakers_differ():
    camera = Camera.draw(np.random.default_rng(4))
    once, again = (film(SAID, 0.5, speaker(), camera, 7) for _ in range(2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, film(SAID, 0.5, speaker(), camera, 8))
    assert not np.array_equal(once, film(SAID, 0.5, speaker(2), camera, 7))
    train = {Speaker.draw(i) for i in range(200)}
    assert len(train) == 200
    assert not train & {Speaker.draw(HELD_OUT + i) for i in range(200)}


@pytest.mark.parametrize("fault", [each.name for each in fields(Camera)])
def test_every_fault_of_a_camera_is_seen(fault):
    plain = film(SAID, 2.0, speaker(), PERFECT, 0)
    assert not np.allclose(plain, film(SAID, 2.0, speaker(), Camera(**{fault: 0.3}), 0))


def test_dropped_pictures_are_those_before_and_cover_hides_a_run():
    lost = film(SAID, 4.0, speaker(), Camera(noise=0.1, dropped=0.5), 0)
    still = sum(np.array_equal(a, b) for a, b in itertools.pairwise(lost))
    assert 30 < still < 70
    plain = film(SAID, 2.0, speaker(), PERFECT, 0)
    covered = film(SAID, 2.0, speaker(), Camera(covered=0.5), 0)
    other = [not np.array_equal(a, b) for a, b in zip(plain, covered, strict=True)]
    assert sum(other) == 25
    assert np.flatnonzero(other).tolist() == [*range(other.index(True), other.index(True) + 25)]


def test_a_better_camera_is_nearer_to_a_perfect_one():
    camera = Camera.draw(np.random.default_rng(1))
    assert closer(camera, 0.0) == PERFECT and closer(camera, 1.0) == camera
    assert len(film([], 0.01, speaker(), camera, 0)) == 1
