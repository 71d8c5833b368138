"""Mouths in clips of a real face, and why there are none in others."""

from __future__ import annotations

import numpy as np
import pytest
import toy_clip

from antiphon.recognition.lips.faces import Face, Region, cropped
from antiphon.recognition.lips.mouths import Unseen, find, mouth_of, smoothed, speaking
from antiphon.training.corpora.lips.renderer import Speaker


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two seconds of a face that moves."""
    path = tmp_path_factory.mktemp("clips") / "face.mp4"
    return toy_clip.steady(path, toy_clip.moving(2, 25), 25)


def test_a_mouth_stays_in_the_middle_while_the_face_moves(faces, clip):
    found = find(clip, faces)
    assert found.pictures.shape == (50, 32, 32) and found.pictures.dtype == np.uint8
    assert found.seen.all()
    alike = np.corrcoef(found.pictures.reshape(50, -1))
    assert alike.min() > 0.9  # while a mouth out of place is another picture:
    moved = np.corrcoef(found.pictures[0, :28].ravel(), found.pictures[0, 4:].ravel())[0, 1]
    assert moved < 0.7


@pytest.mark.parametrize("fps", [15, 60])
def test_other_frame_rates_give_the_same_mouth(faces, clip, tmp_path, fps):
    wanted = find(clip, faces)
    found = find(toy_clip.steady(tmp_path / "c.mp4", toy_clip.moving(2, fps), fps), faces)
    assert len(found.pictures) == 50
    apart = np.abs(found.pictures.astype(float) - wanted.pictures).mean()
    assert apart < 10 < wanted.pictures.std()


def test_a_mouth_is_as_large_as_drawn_ones(faces):
    picture = toy_clip.face()
    points, _ = faces.mesh(picture, faces.find(picture)[0].region)
    mouth = mouth_of(points)
    share = np.hypot(*(points[61] - points[291])[:2]) / mouth.size
    widths = [Speaker.draw(number).width for number in range(200)]
    assert np.mean(widths) < share < 1.25 * max(widths)  # hers is spread


@pytest.mark.parametrize("turned", [-25, 25])
def test_a_tilted_head_is_seen_upright(faces, turned):
    picture = cropped(toy_clip.face(), Region(128, 128, 256, np.deg2rad(turned)), 256)
    picture = picture.astype(np.uint8)
    points, _ = faces.mesh(picture, faces.find(picture)[0].region)
    straight, _ = faces.mesh(toy_clip.face(), faces.find(toy_clip.face())[0].region)
    one, other = mouth_of(points), mouth_of(straight)
    assert np.rad2deg(other.angle - one.angle) == pytest.approx(turned, abs=4)
    assert one.size == pytest.approx(other.size, rel=0.08)


def grey_noise(count):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (240, 320, 3), dtype=np.uint8) for _ in range(count)]


def test_why_there_is_no_mouth(faces, tmp_path):
    def told(name, pictures):
        return find(toy_clip.steady(tmp_path / name, pictures, 25), faces)

    face = toy_clip.face()
    assert told("noise.mp4", grey_noise(10)) is Unseen.NO_FACE
    assert told("two.mp4", [np.concatenate([face, face], 1)] * 30) is Unseen.TWO_FACES
    moving = [picture[:240, :320] for picture in toy_clip.moving(0.8, 25, 0.9)]
    assert told("lost.mp4", [*moving, *grey_noise(30)]) is Unseen.LOST
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no clip at all")
    assert find(broken, faces) is Unseen.NO_PICTURES


def test_a_face_that_comes_back_is_found_again(faces, tmp_path):
    moving = [picture[:240, :320] for picture in toy_clip.moving(1.2, 25, 0.9)]
    pictures = [*grey_noise(3), *moving[:12], *grey_noise(5), *moving[12:]]
    found = find(toy_clip.steady(tmp_path / "c.mp4", pictures, 25), faces)
    assert found.seen.tolist() == [False] * 3 + [True] * 12 + [False] * 5 + [True] * 18
    assert (found.pictures[:3] == found.pictures[3]).all()
    assert (found.pictures[15:20] == found.pictures[14]).all()


def test_one_far_larger_face_is_who_speaks(faces, tmp_path):
    scene = np.full((300, 400, 3), 90, np.uint8)
    scene[:256, :256] = toy_clip.face()
    scene[:86, 300:386] = toy_clip.face()[::3, ::3]
    assert len(faces.find(scene)) == 2
    found = find(toy_clip.steady(tmp_path / "c.mp4", [scene] * 10, 25), faces)
    alone = find(toy_clip.steady(tmp_path / "a.mp4", [scene[:, :280].copy()] * 10, 25), faces)
    assert np.abs(found.pictures.astype(float) - alone.pictures).mean() < 8


def test_a_picture_that_stands_is_not_looked_at_for_long(faces, tmp_path):
    pictures = toy_clip.moving(1, 25)[:4]
    path = toy_clip.write(tmp_path / "c.mp4", pictures, [0, 1, 2.2, 2.24])
    seen = find(path, faces).seen
    assert seen[:50].all() and not seen[50:55].any() and seen[55:].all()


def of_area(side):
    return Face(np.array([0, 0, side, side], np.float32), np.zeros((6, 2), np.float32), 1.0)


def test_twice_as_large_is_far_larger():
    assert speaking([]) is None
    assert speaking([of_area(10), of_area(7)]).area == 100
    assert speaking([of_area(10), of_area(7.2)]) is None


def test_places_are_smoothed_but_jumps_are_not():
    old = Region(100, 100, 50, 3.1)
    near = smoothed(old, Region(110, 100, 60, -3.1))
    assert (near.x, near.y, near.size) == pytest.approx((106, 100, 52))
    assert 3.1 < near.angle < 3.2  # the short way round
    far = Region(200, 100, 60)
    assert smoothed(old, far) == far == smoothed(None, far)
