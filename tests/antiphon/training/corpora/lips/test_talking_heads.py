"""What is heard is what is seen: the lips close where a synthesizer says "m"."""

from __future__ import annotations

import shutil
from itertools import pairwise

import numpy as np
import pytest

from antiphon.training.corpora.lips.talking_heads import talking_head
from antiphon.training.corpora.lips.visemes import VISEMES

pytestmark = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def test_sound_and_pictures_are_of_the_same_length_and_words():
    head = talking_head("Mama may come home.", "slt", 3, 0)
    assert len(head.pictures) == len(head.visemes)
    assert len(head.pictures) / 25 == pytest.approx(len(head.pcm) / 16_000, abs=0.05)
    names = list(VISEMES)
    spoken = [names[i] for i in head.visemes]
    closings = sum(
        now == "closed" and before != "closed" for before, now in pairwise(["rest", *spoken])
    )
    assert 3 <= closings <= 5
    again = talking_head("Mama may come home.", "slt", 3, 0)
    assert np.array_equal(head.pictures, again.pictures)
    held_out = talking_head("Mama may come home.", "slt", 3, 0, held_out=True)
    assert np.array_equal(head.pcm, held_out.pcm)
    assert not np.array_equal(head.pictures, held_out.pictures)
