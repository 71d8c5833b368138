import pytest

from antiphon.evaluation.measures.normalization import Case, cases, evaluate, table
from antiphon.text import spoken


@pytest.mark.parametrize(
    ("heard", "right"),
    [
        ("It is five O'Clock!", True),
        ("it's five", False),
        ("It is, about five o'clock.", True),
        ("It is fiveo'clock", False),
    ],
)
def test_either_reading_is_right(heard: str, right: bool) -> None:
    case = Case("time", "It is 5:00", "it is {about|} five o'clock")
    assert case.accepts(heard) is right


def test_braces_nest() -> None:
    case = Case("money", "$1.50", "{one dollar {and|} fifty cents|one fifty}")
    assert case.accepts("one dollar fifty cents") and case.accepts("one fifty")
    assert not case.accepts("one dollar")


def test_what_is_read_wrong_is_counted_and_listed() -> None:
    judged = [Case("a", "1", "one"), Case("a", "2", "two"), Case("b", "3", "three")]
    result = evaluate(lambda text: "one", judged, wrong=True)
    assert result["all"]["right"] == pytest.approx(1 / 3, abs=1e-4)
    assert result["kinds"]["a"]["n"] == 2 and result["kinds"]["b"]["right"] == 0
    assert [each["written"] for each in result["wrong"]] == ["2", "3"]
    assert table(result)["2"] == "one, not two"


def test_the_committed_set_is_read_as_the_readme_says() -> None:
    written = list(cases())
    assert len({case.written for case in written}) == len(written) >= 400
    result = evaluate(lambda text: spoken(text).text, written)
    assert result["all"]["right"] >= 0.97 and result["held_out"]["right"] >= 0.97
