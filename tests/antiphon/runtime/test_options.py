"""Options of a conversation."""

from __future__ import annotations

import pytest

from antiphon.errors import UserError
from antiphon.runtime.options import Options


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "loud"},
        {"patience": 0},
        {"preroll_ms": 100},
        {"memory_tokens": 3},
        {"longest_turn": 1},
        {"sample_rate": 22_051},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UserError):
        Options(**wrong)


def test_options_survive_a_recording_of_another_version():
    values = {**Options(patience=2).as_dict(), "unknown": 1}
    assert Options.of(values) == Options(patience=2)
