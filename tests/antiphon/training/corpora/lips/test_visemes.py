"""A mouth takes the shape of what is said, on the way from and to its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.training.corpora.lips.visemes import (
    SHAPE,
    SOUNDS,
    VISEMES,
    Sound,
    labels,
    shapes,
    viseme_of,
)


def said(names, length=0.1):
    return [Sound(name, i * length, (i + 1) * length) for i, name in enumerate(names.split())]


def at(sounds, number):
    """The shape in the middle of a sound."""
    middle = np.array([(sounds[number].start + sounds[number].end) / 2])
    return dict(zip(SHAPE, shapes(sounds, middle)[0], strict=True))


def test_lips_close_for_m_and_open_for_the_vowel_between():
    sounds = said("m aa m aa")
    assert at(sounds, 0)["opening"] < 0.05 and at(sounds, 2)["opening"] < 0.08
    assert at(sounds, 1)["opening"] > 0.45


def test_a_sound_is_bent_by_what_comes_next():
    round_, spread = said("s uw"), said("s iy")
    assert at(round_, 0)["width"] < at(spread, 0)["width"]
    assert at(round_, 0)["rounding"] > at(spread, 0)["rounding"]
    # "k" takes any shape, closed lips do not.
    bent = abs(at(said("k uw"), 0)["width"] - at(said("k iy"), 0)["width"])
    firm = abs(at(said("m uw"), 0)["width"] - at(said("m iy"), 0)["width"])
    assert bent > 3 * firm


def test_slow_speech_reaches_its_targets_better():
    target = VISEMES["open"].opening
    slow, quick = (at(said("p aa p", length), 1)["opening"] for length in (0.2, 0.05))
    assert quick < slow <= target


@settings(deadline=None)
@given(
    names=st.lists(st.sampled_from([*SOUNDS, "??"]), max_size=12),
    lengths=st.lists(st.floats(0.01, 0.4), min_size=12, max_size=12),
    times=st.lists(st.floats(-2, 20), min_size=1, max_size=9),
)
def test_shapes_stay_among_those_of_visemes(names, lengths, times):
    ends = np.cumsum([0.0, *lengths])
    sounds = [Sound(name, ends[i], ends[i + 1]) for i, name in enumerate(names)]
    found = shapes(sounds, np.array(times))
    assert found.shape == (len(times), len(SHAPE)) and np.isfinite(found).all()
    every = np.array([[getattr(v, name) for name in SHAPE] for v in VISEMES.values()])
    assert (found >= every.min(0) - 1e-9).all() and (found <= every.max(0) + 1e-9).all()


def test_far_from_speech_the_mouth_rests():
    found = shapes(said("aa"), np.array([-5.0, 9.0]))
    assert found[:, 0] == pytest.approx(VISEMES["rest"].opening, abs=1e-3)
    assert shapes([], np.array([1.0]))[0, 0] == pytest.approx(VISEMES["rest"].opening)


def test_labels_are_the_visemes_that_are_spoken():
    names = list(VISEMES)
    found = labels(said("m aa"), np.array([0.05, 0.15, 0.9]))
    assert [names[i] for i in found] == ["closed", "open", "rest"]
    assert set(SOUNDS.values()) == set(VISEMES) and viseme_of("??") == "rest"
