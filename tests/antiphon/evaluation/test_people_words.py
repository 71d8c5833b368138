"""Words that were placed by eye follow one another, and what is missing is named."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soundfile

from antiphon.errors import UserError
from antiphon.evaluation import people_words


def test_words_placed_by_eye_have_length_and_never_overlap(tmp_path, monkeypatch):
    monkeypatch.setattr(people_words, "CHECKED", table := tmp_path / "words.tsv")
    table.write_text("# recording, word, start, end\na.wav\tOne\t100\t250\na.wav\ttwo\t250\t400\n")
    soundfile.write(tmp_path / "a.wav", np.zeros(8000), 16_000)
    (found,) = people_words.checked(tmp_path)
    assert [(w.text, w.start, w.end) for w in found.words] == [
        ("One", 1600, 4000),
        ("two", 4000, 6400),
    ]
    assert len(found.pcm) == 8000


def test_a_recording_that_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match=r"speech/.* is missing"):
        next(people_words.checked(tmp_path))


def test_the_table_of_the_project_is_in_order():
    lines = people_words.CHECKED.read_text("utf-8").splitlines()[1:]
    rows = [(name, int(start), int(end)) for name, _, start, end in (x.split("\t") for x in lines)]
    assert len(rows) > 100
    assert all(start < end for _, start, end in rows)
    assert all(b[1] >= a[2] for a, b in pairwise(rows) if a[0] == b[0])
