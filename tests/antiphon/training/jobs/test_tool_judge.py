"""How a language model's word comes to be weighed, with tools, scores and a judge made up."""

import random

import pytest
import torch

from antiphon.training.corpora.tool_commands import Example, Sort
from antiphon.training.jobs import tool_judge as job
from antiphon.training.tool_odds import KeptOdds
from antiphon.training.tool_scores import Scores, above, judged, tool_of

SORTS = tuple(Sort(f"tool_{i}", "tune", (f"Does thing {i}",)) for i in range(24))


class Oracle:
    """Knows which tool is asked for, not always."""

    def __init__(self, wanted):
        self.wanted, self.asked = wanted, 0

    def expect(self):
        pass

    def odds(self, text, tool):
        self.asked += 1
        noise = random.Random(f"{text} {tool.name}").gauss(0, 1)
        return noise + (4 if self.wanted[text] == tool.name else -4)


def scores(kind, count, seed):
    """An encoder that is often in doubt."""
    rng = torch.Generator().manual_seed(seed)
    sorts = [SORTS[i % 24] if kind == "command" else None for i in range(count)]
    examples = tuple(Example(f"{kind} {i}", sort) for i, sort in enumerate(sorts))
    table = torch.randn(count, 24, generator=rng) - 4
    for row, sort in enumerate(sorts):
        if sort:
            table[row, SORTS.index(sort)] += 4
    return Scores(examples, SORTS, table, torch.zeros(count, 24).long())


@pytest.fixture
def parts():
    return scores("command", 240, 0), scores("other", 240, 1)


@pytest.fixture
def judge(parts):
    return Oracle({e.text: e.sort and e.sort.name for part in parts for e in part.examples})


def test_the_kinds_come_in_turn_and_only_those_in_doubt(parts):
    doubts = list(job.in_turn(*parts))
    assert [doubt.kind for doubt in doubts[:5]] == list(job.ORDER)
    for doubt in doubts:
        assert job.DOUBT.doubtful(doubt.scores)
        names = [tool.name for tool in doubt.tools]
        assert (doubt.right is None) == (doubt.kind != "command")
        if doubt.kind == "foreign":
            assert SORTS[int(doubt.text.split()[1]) % 24].name not in names


def test_a_judge_that_knows_makes_more_right_and_fewer_false_calls(parts, judge):
    asked, unasked = parts
    doubts = list(job.answered(job.in_turn(asked, unasked), judge, None))
    weighing = job.biased(job.fitted(doubts, judge), doubts, unasked, judge)
    assert weighing.odds > 0
    alone, together = above(-1.0), judged(weighing, judge)
    assert sum(asked.right(10, together)) > sum(asked.right(10, alone))
    assert sum(unasked.called(10, together)) < sum(unasked.called(10, alone))
    misdirected = Scores(asked.examples, SORTS, asked.table, asked.described, left_out=True)
    assert not any(
        misdirected.sorts[column] == example.sort
        for column, example in zip(
            misdirected.chosen(5, together), misdirected.examples, strict=True
        )
        if column is not None
    )


def test_a_time_limit_ends_the_questions(parts, judge):
    assert len(list(job.answered(job.in_turn(*parts), judge, 1e-9))) == 1


def test_what_was_said_is_not_asked_again(tmp_path, judge):
    file = tmp_path / "odds.jsonl"
    doubt = job.Doubt("other", "other 1", (tool_of(SORTS[0]),), (0.0,), None)
    for _ in range(2):
        kept = KeptOdds(judge, file)
        assert kept.odds(doubt.text, doubt.tools[0]) == pytest.approx(-4, abs=4)
    assert judge.asked == 1
