"""When the language model is asked, and whose word counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.tools.judging.weighing import Weighing

WEIGHING = Weighing(low=-3.0, high=2.0, lead=1.5, near=2.0, most=2, score=0.25, odds=0.5, bias=-0.5)
SCORES = st.lists(st.floats(-12, 12), min_size=1, max_size=6)


def never(place: int) -> float:
    raise AssertionError("nobody was to be asked")


@pytest.mark.parametrize(
    ("scores", "called"),
    [([-5.0, 6.0, 1.0], 1), ([-4.0, -3.5], None), ([3.0], 0), ([float("-inf")] * 2, None)],
)
def test_where_the_encoder_is_sure_nobody_is_asked(scores, called):
    assert WEIGHING.choose(scores, never) == called


def test_two_tools_alike_are_told_apart_by_the_language_model():
    assert WEIGHING.choose([6.0, 5.5, -9.0], {0: -2.0, 1: 4.0}.__getitem__) == 1


@pytest.mark.parametrize(("odds", "called"), [(4.0, 0), (-4.0, None)])
def test_in_doubt_the_language_model_decides(odds, called):
    assert WEIGHING.choose([-0.3, -9.0], lambda place: odds) == called


@given(SCORES, st.floats(-9, 9))
def test_few_tools_are_asked_about_the_best_among_them(scores, odds):
    asked = WEIGHING.doubtful(scores)
    assert len(asked) <= WEIGHING.most
    assert not asked or scores[asked[0]] == max(scores)
    called = WEIGHING.choose(scores, lambda place: odds)
    assert called is None or scores[called] == max(scores)


@given(SCORES, st.floats(-9, 9), st.floats(0, 9))
def test_more_of_a_yes_never_takes_a_call_back(scores, odds, more):
    if WEIGHING.choose(scores, lambda place: odds) is not None:
        assert WEIGHING.choose(scores, lambda place: odds + more) is not None
