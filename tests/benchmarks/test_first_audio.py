"""The benchmark counts what it should, on systems whose speed is known."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.errors import UserError


@pytest.fixture
def bench(load_benchmark):
    return load_benchmark("first_audio")


def test_sentences_are_ready_when_the_next_begins(bench):
    pieces = ["It", " is", " 3", ".5", ".", " Yes", "!", " And"]
    assert list(bench.sentences(pieces)) == ["It is 3.5.", "Yes!", "And"]
    assert list(bench.sentences([])) == []


def test_systems_answer_in_turns_after_a_warm_up(bench):
    calls = []

    def system(name):
        def answer(pcm):
            calls.append((name, len(pcm)))
            return bench.Timing(0.1, 1.0, 4.0)

        return answer

    questions = [np.zeros(1), np.zeros(2)]
    found = bench.compare({"antiphon": system("a"), "cascade": system("c")}, questions, 2)

    assert [name for name, _ in calls] == ["a", "c", "a", "c", "c", "a", "a", "c", "c", "a"]
    assert len(found["antiphon"]) == len(found["cascade"]) == 4


def test_the_summary_has_the_keys_of_the_readme(bench):
    found = {
        "antiphon": [bench.Timing(0.2, 1, 4), bench.Timing(0.3, 1, 4), bench.Timing(9, 9, 4)],
        "cascade": [bench.Timing(0.6, 2, 4)] * 3,
    }
    result = bench.summary(found, 900.0, 2.5)
    assert result["ratio"] == 0.5 and result["rtf"] == 0.25
    assert result["peak_mib"] == 900 and result["ready_s"] == 2.5
    assert result["cascade"]["first_audio_ms"] == 600


def test_a_folder_without_questions(bench, tmp_path):
    with pytest.raises(UserError, match="no questions"):
        bench.recordings(tmp_path, None)
