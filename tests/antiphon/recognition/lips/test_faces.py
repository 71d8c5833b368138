"""Faces in pictures: what the detector's numbers mean, and both models on a face."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import toy_clip

from antiphon.errors import UserError
from antiphon.recognition.lips.faces import (
    CELLS,
    LOOKED_AT,
    Faces,
    Region,
    anchors,
    cropped,
    decoded,
    merged,
    overlaps,
)

UNSURE = -5.0


def guess(cell, box, logit, raw, logits):
    """Put into one cell that there is a face in a box (left, top, right, bottom)."""
    middle = anchors()[cell]
    low, high = np.array(box[:2]), np.array(box[2:])
    raw[cell, :2] = ((low + high) / 2 - middle) * LOOKED_AT
    raw[cell, 2:4] = (high - low) * LOOKED_AT
    raw[cell, 4:] = (np.tile((low + high) / 2, 6) - np.tile(middle, 6)) * LOOKED_AT
    logits[cell] = logit


def nothing():
    cells = CELLS * CELLS
    return np.zeros((cells, 16), np.float32), np.full(cells, UNSURE, np.float32)


def test_anchors_are_the_middles_of_cells_row_by_row():
    found = anchors()
    assert found.shape == (CELLS * CELLS, 2)
    np.testing.assert_allclose(found[:2] * CELLS, [[0.5, 0.5], [1.5, 0.5]], atol=1e-5)
    np.testing.assert_allclose(found[CELLS] * CELLS, [0.5, 1.5], atol=1e-5)


def test_what_overlaps_is_one_face_weighted_by_its_scores():
    raw, logits = nothing()
    guess(1000, (0.2, 0.2, 0.4, 0.4), 3.0, raw, logits)
    guess(1001, (0.22, 0.2, 0.42, 0.4), 1.0, raw, logits)
    guess(30, (0.6, 0.6, 0.8, 0.8), 2.0, raw, logits)
    guess(40, (0.1, 0.6, 0.2, 0.8), -0.1, raw, logits)  # hardly likely
    raw[50, 2:4], logits[50] = -9, 4  # no box
    guesses, scores = decoded(raw, logits)
    assert len(guesses) == 3
    (one, first), (other, second) = merged(guesses, scores)
    high, low = 1 / (1 + np.exp([-3.0, -1.0]))
    assert (first, second) == pytest.approx((high, 1 / (1 + np.exp(-2.0))))
    by_hand = (high * 0.2 + low * 0.22) / (high + low)
    np.testing.assert_allclose(one[:4], [by_hand, 0.2, by_hand + 0.2, 0.4], atol=1e-5)
    np.testing.assert_allclose(other, [0.6, 0.6, 0.8, 0.8, *[0.7] * 12], atol=1e-5)


def test_no_guess_is_no_face():
    assert merged(*decoded(*nothing())) == []


def test_overlap_is_intersection_over_union():
    box = np.array([0, 0, 2, 2], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 3, 3], [5, 5, 6, 6]], np.float32)
    np.testing.assert_allclose(overlaps(box, others), [1, 1 / 3, 0, 0])


def test_a_crop_is_what_lies_there():
    y, x = np.mgrid[:120, :160].astype(np.uint8)
    picture = np.stack([x, y, np.full_like(x, 100)], 2)
    straight = cropped(picture, Region(80, 60, 32), 32)
    np.testing.assert_allclose(straight[..., 0], picture[44:76, 64:96, 0], atol=1e-3)
    np.testing.assert_allclose(straight[..., 1], picture[44:76, 64:96, 1], atol=1e-3)
    turned = cropped(picture, Region(80, 60, 32, np.pi / 2), 32)
    np.testing.assert_allclose(turned, np.rot90(straight, 1), atol=1e-3)
    smaller = cropped(picture, Region(80, 60, 64), 16)
    averages = picture[28:92, 48:112].reshape(16, 4, 16, 4, 3).mean((1, 3))
    np.testing.assert_allclose(smaller, averages, atol=1e-3)
    beyond = cropped(picture, Region(0, 60, 32), 32)
    assert not beyond[:, :15].any() and beyond[:, 17:, 2] == pytest.approx(100)
    for away in (Region(-500, 60, 32), Region(80, 900, 32)):
        assert not cropped(picture, away, 32).any()


def test_a_face_and_its_mouth_are_found(faces):
    picture = toy_clip.face()
    (found,) = faces.find(picture)
    points, score = faces.mesh(picture, found.region)
    assert score > 0.9 and points.shape == (468, 3)
    # As the picture shows: corners of the eyes and of the mouth.
    for at, place in {33: (99, 100), 263: (159, 104), 61: (104, 139), 291: (150, 143)}.items():
        assert np.hypot(*(points[at, :2] - place)) < 4
    small = np.full((800, 800, 3), 60, np.uint8)
    small[300:556, 400:656] = picture
    (far,) = faces.find(small)
    np.testing.assert_allclose(far.box - [400, 300, 400, 300], found.box, atol=15)


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match=r"pip install 'antiphon\[lips\]'"):
        Faces()
