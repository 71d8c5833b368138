"""Fit how a language model's word is weighed where the encoder of tools is in doubt.

Tools, questions and dialogues are those of the split `tune`, which neither the encoder was trained
on nor the benchmark uses. Nothing of the language model is trained: the encoder's score and the
language model's log-odds enter a logistic regression.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle
from pathlib import Path

import torch
from torch.nn import functional as F

from antiphon.errors import UserError
from antiphon.llm import language_model
from antiphon.llm.text_model import TextModel
from antiphon.tools.encoder_chooser import EncoderChooser
from antiphon.tools.judging.judged_chooser import Judge
from antiphon.tools.judging.tool_judge import ToolJudge
from antiphon.tools.judging.weighing import Weighing
from antiphon.tools.tool import Tool
from antiphon.training import tool_scores
from antiphon.training.corpora import tool_commands as corpus
from antiphon.training.corpora.tool_commands import balanced
from antiphon.training.tool_odds import KeptOdds
from antiphon.training.tool_scores import SIZES, Scores, tool_of

log = logging.getLogger(__name__)

DOUBT = Weighing(low=-3.0, high=1.5, lead=1.5, near=2.0, most=2, score=1.0, odds=0.0, bias=0.0)
"""When the language model is asked."""
COMMANDS, OTHERS = 1000, 1500
"""Utterances that are drawn from: those in doubt are a fifth."""
ORDER = ("command", "other", "command", "other", "foreign")
"""Kinds of utterances in turn; foreign are commands for a tool that is not announced."""
MAX_FALSE_CALLS = 0.008
"""Share of false calls that the bias allows where no tool was asked for."""


@dataclass(frozen=True)
class Doubt:
    """An utterance about which the encoder is in doubt, and the tools that were announced."""

    kind: str
    text: str
    tools: tuple[Tool, ...]
    scores: tuple[float, ...]
    right: int | None
    """Place of the tool asked for; None: none is."""


def train(data: Path, work: Path, out: Path, *, llm: str, minutes: float | None) -> None:
    """Write how a language model is weighed into the `config.json` of the encoder.

    Args:
        data: folder of the open collections.
        work: folder of the run; what the language model said is kept in it.
        out: folder of the encoder.
        llm: the language model.
        minutes: for which it is asked; None asks about all.

    Raises:
        UserError: The language model shows no logits.
    """
    model = language_model.from_pretrained(llm)
    if isinstance(model, TextModel):
        raise UserError(f"{llm} shows no logits: give a model that runs on this machine.")
    reader = EncoderChooser.load(out).reader
    work.mkdir(parents=True, exist_ok=True)
    told = ToolJudge(model)
    judge = KeptOdds(told, work / f"odds-{Path(llm).name}-{told.prompt}.jsonl")
    sorts = [sort for sort in corpus.sorts() if sort.split == "tune"]
    others = [*balanced(corpus.others(data, "tune"), OTHERS), *corpus.nots("tune")]
    commands = balanced(corpus.commands(data, "tune"), COMMANDS)
    asked = tool_scores.score(reader, commands, sorts)
    unasked = tool_scores.score(reader, others, sorts)
    doubts = list(answered(in_turn(asked, unasked), judge, minutes))
    weighing = biased(fitted(doubts, judge), doubts, unasked, judge)
    for kind in dict.fromkeys(ORDER):
        rows = [doubt for doubt in doubts if doubt.kind == kind]
        wrong = sum(decided(doubt, weighing, judge) != doubt.right for doubt in rows)
        log.info("%s: %d of %d in doubt are wrong", kind, wrong, len(rows))
    path = out / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config.setdefault("judges", {})[model.name] = asdict(weighing)
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def in_turn(asked: Scores, unasked: Scores) -> Iterator[Doubt]:
    """Utterances in doubt, of every kind in turn, each with some tools drawn for it."""
    rng, sizes = random.Random(7), list(SIZES)
    piles: dict[str, list[Doubt]] = {"command": [], "other": [], "foreign": []}
    for row, example in enumerate(asked.examples):
        assert example.sort is not None
        strangers = [i for i, s in enumerate(asked.sorts) if not example.sort.overlaps(s)]
        drawn = rng.sample(strangers, min(len(strangers), rng.choice(sizes) - 1))
        right = asked.sorts.index(example.sort)
        piles["command"].append(doubt("command", asked, row, [*drawn, right], right))
        drawn = rng.sample(strangers, min(len(strangers), rng.choice(sizes)))
        piles["foreign"].append(doubt("foreign", asked, row, drawn))
    for row in range(len(unasked.examples)):
        drawn = rng.sample(range(len(unasked.sorts)), rng.choice(sizes))
        piles["other"].append(doubt("other", unasked, row, drawn))
    for kind in ("command", "other", "foreign"):
        rng.shuffle(piles[kind])
    turns = {
        kind: iter([d for d in pile if DOUBT.doubtful(d.scores)]) for kind, pile in piles.items()
    }
    for kind in cycle(ORDER):
        found = next(turns[kind], None)
        if found is None:
            return
        yield found


def doubt(
    kind: str, scores: Scores, row: int, announced: Sequence[int], right: int | None = None
) -> Doubt:
    """An utterance with the tools announced."""
    named = scores.described[row, list(announced)].tolist()
    tools = tuple(tool_of(scores.sorts[i], n) for i, n in zip(announced, named, strict=True))
    found = tuple(scores.table[row, list(announced)].tolist())
    place = None if right is None else list(announced).index(right)
    return Doubt(kind, scores.examples[row].text, tools, found, place)


def answered(doubts: Iterator[Doubt], judge: Judge, minutes: float | None) -> Iterator[Doubt]:
    """Those that the language model was asked about in time."""
    end = time.monotonic() + 60 * (minutes or float("inf"))
    for found in doubts:
        decided(found, DOUBT, judge)
        yield found
        if time.monotonic() > end:
            return


def decided(doubt: Doubt, weighing: Weighing, judge: Judge) -> int | None:
    """The place of the tool that is called."""
    return weighing.choose(doubt.scores, lambda i: judge.odds(doubt.text, doubt.tools[i]))


def fitted(doubts: Sequence[Doubt], judge: Judge) -> Weighing:
    """The weights of score and log-odds by logistic regression."""
    pairs = [
        (d.scores[i], judge.odds(d.text, d.tools[i]), 1.0, i == d.right)
        for d in doubts
        for i in DOUBT.doubtful(d.scores)
    ]
    inputs = torch.tensor([pair[:3] for pair in pairs])
    right = torch.tensor([float(pair[3]) for pair in pairs])
    weights = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        missed = F.binary_cross_entropy_with_logits(inputs @ weights, right)
        missed.backward()
        return missed

    optimizer.step(loss)
    score, odds, bias = (round(w, 3) for w in weights.tolist())
    return replace(DOUBT, score=score, odds=odds, bias=bias)


def biased(weighing: Weighing, doubts: Sequence[Doubt], unasked: Scores, judge: Judge) -> Weighing:
    """The weighing with the highest bias that makes few calls where no tool was asked for.

    How often the encoder is in doubt there is known of all utterances, what is called then of those
    that the language model was asked about.
    """
    rows = [
        unasked.table[row, announced].tolist()
        for size in SIZES
        for row, announced in enumerate(unasked.announced(size))
    ]
    sure = [row for row in rows if not weighing.doubtful(row)]
    called = sum(max(row) > weighing.low for row in sure) / len(rows)
    others = [doubt for doubt in doubts if doubt.kind == "other"]

    def false(bias: float) -> float:
        found = replace(weighing, bias=bias)
        calls = [decided(doubt, found, judge) is not None for doubt in others]
        return called + (1 - len(sure) / len(rows)) * sum(calls) / len(calls)

    allowed = [b for b in (0.05 * step for step in range(-60, 41)) if false(b) <= MAX_FALSE_CALLS]
    return replace(weighing, bias=round(max(allowed, default=-3.0), 2))
