"""What teaches the choice of tools: the lists of tools, the disturbed utterances, the losses."""

import random
import re

import pytest
import torch

from antiphon.tools.tool import NAME
from antiphon.training import tool_scores as scoring
from antiphon.training.corpora import tool_commands as corpus
from antiphon.training.corpora.tool_commands import Example, Sort
from antiphon.training.jobs import tool_chooser as job
from antiphon.training.jobs.tool_batches import Batch, disturb
from antiphon.training.tool_scores import above

from ...tools.conftest import tiny

LAMP = Sort("lamp_on", "train", ("Switch the lamp on",))
DOOR = Sort("open_door", "train", ("Open the door",), near=frozenset({"door"}))
GATE = Sort("open_gate", "train", ("Open the gate",), near=frozenset({"door"}))


def test_every_tool_can_be_announced_and_asked_for():
    for sort in corpus.sorts():
        assert NAME.fullmatch(sort.name)
        assert scoring.tool_of(sort).parameters or not sort.parameters
        for ask in sort.asks:
            for name in re.findall(r"\{(\w+)\}", ask):
                assert sort.parameters[name].get("enum") or sort.parameters[name]["values"]


def test_nothing_of_a_tool_kept_out_is_trained_on():
    trained = [s for s in corpus.sorts() if s.split == "train"]
    kept = [s for s in corpus.sorts() if s.split != "train"]
    assert not {s.name for s in trained} & {s.name for s in kept}
    for part in ("says", "sources", "asks"):
        seen = {text.lower() for s in trained for text in getattr(s, part)}
        assert not seen & {text.lower() for s in kept for text in getattr(s, part)}


def test_a_disturbed_utterance_keeps_what_was_said():
    text = "bring the red cup to the table"
    spans = {"object": (10, 17), "place": (25, 30)}
    for seed in range(200):
        found = disturb(Example(text, LAMP, spans), random.Random(seed))
        said = {name: found.text[a:b] for name, (a, b) in found.spans.items()}
        assert said == {"object": "red cup", "place": "table"}


@pytest.fixture
def batch() -> Batch:
    heard = [
        Example("switch the lamp on", LAMP, {"lamp": (11, 15)}),
        Example("open the door", DOOR),
        Example("i like rain", None),
        Example("who are you", None),
    ]
    texts = ["lamp on", "open door", "open gate", "lamp: which lamp", "colour: of the lamp"]
    return Batch(heard, texts, [LAMP, DOOR, GATE], [(0, 3, (11, 15)), (0, 4, None)], [])


def test_the_reader_learns_what_a_batch_teaches(batch):
    reader = tiny().requires_grad_(True)
    optimizer = torch.optim.Adam(reader.parameters(), lr=1e-2)
    seen = []
    for step in range(60):
        found = job.losses(reader, batch, random.Random(step))
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        seen.append({name: value.item() for name, value in found.items()})
    for name in ("choice", "contrast", "presence", "spans"):
        assert sum(row[name] for row in seen[-5:]) < 0.7 * sum(row[name] for row in seen[:5])


def test_a_tool_that_overlaps_is_not_wrong(batch):
    batch.heard, batch.slots = batch.heard[1:2], [(0, 3, None)]
    first = job.losses(tiny(), batch, random.Random(0))
    batch.texts[2] = "open the door"  # the gate, announced as if it were the door
    second = job.losses(tiny(), batch, random.Random(0))
    torch.testing.assert_close(first["choice"], second["choice"])
    torch.testing.assert_close(first["contrast"], second["contrast"])


def test_the_best_tool_above_the_threshold_is_called():
    examples = (Example("open the door", DOOR), Example("who are you", None))
    table = torch.tensor([[0.5, 2.0], [1.0, -1.0]])
    found = scoring.Scores(examples, (LAMP, DOOR), table, torch.zeros(2, 2).long())
    assert found.right(2, above(0.0)) == [True, False]
    assert found.called(2, above(0.0)) == [True, True]
    assert found.called(2, above(1.5)) == [True, False]
    assert found.right(2, above(3.0)) == [False, False]


def test_the_threshold_allows_as_many_false_calls_as_asked():
    examples = tuple(Example(str(i), None) for i in range(100))
    table = torch.arange(100)[:, None] / 25
    found = scoring.Scores(examples, (LAMP,), table, torch.zeros(100, 1).long())
    threshold = scoring.threshold_for(found, 0.05)
    assert 0.03 <= sum(found.called(5, above(threshold))) / 100 <= 0.05
