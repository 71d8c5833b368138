"""What of a clip's pictures belongs to a part of its sound."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.errors import UserError
from antiphon.recognition.lips.lip_pictures import SIZE, LipPictures, require


def numbered(count, seen=None):
    stack = np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((1, SIZE, SIZE), np.uint8)
    return LipPictures(stack, np.ones(count, bool) if seen is None else np.array(seen))


def numbers(part):
    return part.pictures[:, 0, 0].tolist()


def test_a_part_of_the_sound_has_its_pictures():
    lips = numbered(100)
    assert numbers(lips.part(0, 16_000)) == list(range(25))
    assert numbers(lips.part(1024, 3 * 640)) == [2, 3, 4]
    assert numbers(lips.part(98 * 640)) == numbers(lips.part(98 * 640, 16_000)) == [98, 99]
    assert lips.part(100 * 640, 16_000) is None
    assert lips.part(0, 100) is None


def test_where_the_mouth_is_hardly_seen_there_are_none():
    lips = numbered(20, [True] * 6 + [False] * 14)
    assert numbers(lips.part(0, 12 * 640)) == list(range(12))
    assert lips.part(0, 13 * 640) is None


@pytest.mark.parametrize("seconds", [2.4, 1.6])
def test_about_as_long_is_the_same(seconds):
    assert numbered(50).notes(round(seconds * 16_000)) == ()


def test_a_clip_of_other_length_is_told():
    (short,) = numbered(50).notes(5 * 16_000)
    assert "2.0 s" in short and "5.0 s" in short and "by sound alone" in short
    (long,) = numbered(50).notes(16_000)
    assert "left out" in long


def test_a_recognizer_that_sees_none_is_named():
    require(True, "toy")
    with pytest.raises(UserError, match=r"toy sees no lips: leave --video out"):
        require(False, "toy")
