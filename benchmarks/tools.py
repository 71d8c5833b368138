"""Spoken commands to calls: right ones of tools never trained on, and none where none is asked.

Utterances are those of CLINC150, the home-robot corpus and SNIPS whose tools were kept out of
training, descriptions included. 5, 10 and 20 such tools are announced, drawn anew for every
utterance, the right one among them; tools that mean the same are not announced together. Where no
tool is asked for, utterances are questions, dialogue, small talk and CLINC150's out-of-scope
sentences that were not trained on either. Arguments are SNIPS slots of three tools never trained
on, given the right tool. `tool_sets.py` has commands with the one right answer, by kind of fault.

    python benchmarks/tools.py --data DIR [--limit N] [--chooser both --work DIR] [--json]

`--chooser both` asks the language model where the encoder is in doubt and weighs both; with `llm`
what it says decides alone there. What it said is kept in `--work`.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tool_sets
import typer
from report import script, show

from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.errors import UserError
from antiphon.settings import Models

Way = Literal["encoder", "llm", "both"]
ALONE: dict[str, Any] = {"score": 0.0, "odds": 1.0, "bias": 0.0}
"""How a language model's word is weighed that decides alone in doubt."""


def measure(
    data: Path, limit: int, cases: int, folder: Path | None, way: Way, llm: str, work: Path
) -> dict[str, Any]:
    """All figures.

    Args:
        data: folder of the open collections.
        limit: at most so many utterances that ask for a tool, and as many that do not.
        cases: at most so many cases of a kind, and commands for tools that are not announced.
        folder: of the weights; None: the committed ones.
        way: what chooses the tool.
        llm: the language model that is asked.
        work: folder for what it said.
    """
    from antiphon.tools.encoder_chooser import EncoderChooser
    from antiphon.training import tool_scores as scoring
    from antiphon.training.corpora import tool_commands as corpus

    encoder = chooser = EncoderChooser.load(folder)
    reader, threshold = encoder.reader, encoder.threshold
    ways: dict[Way, Any] = {"encoder": scoring.above(threshold)}
    if way != "encoder":
        chooser = with_judge(encoder, way, llm, work)
        fitted = encoder.judges[llm]
        ways["llm"] = scoring.judged(replace(fitted, **ALONE), chooser.judge)
        ways["both"] = scoring.judged(fitted, chooser.judge)
    choose = ways[way]
    sorts = [sort for sort in corpus.sorts() if sort.split == "test"]
    commands = corpus.commands(data, "test")
    asked = scoring.score(reader, corpus.balanced(commands, limit), sorts)
    others = corpus.balanced(corpus.others(data, "test"), limit)
    unasked = scoring.score(reader, others, sorts)
    annotated = [e for e in commands if e.spans and e.sort and e.sort.parameters]
    slots = scoring.arguments(reader, corpus.balanced(annotated, max(1, limit // 8)))
    absent = replace(first(asked, cases), left_out=True)
    compared = {
        name: figures(
            [asked.right(n, each) for n in scoring.SIZES],
            [unasked.called(n, each) for n in scoring.SIZES],
            [absent.called(n, each) for n in scoring.SIZES],
        )
        for name, each in ways.items()
    }
    right = {n: asked.right(n, choose) for n in scoring.SIZES}
    among = {n: asked.right(n, scoring.above(float("-inf"))) for n in scoring.SIZES}
    called = {n: unasked.called(n, choose) for n in scoring.SIZES}
    sets, _ = tool_sets.measure("test", chooser, cases)
    kinds = Counter(e.kind for e in others)
    false = Counter(
        e.kind for n in scoring.SIZES for e, c in zip(others, called[n], strict=True) if c
    )
    return {
        **compared[way],
        "compared": compared,
        **{kind: round(sum(rights) / len(rights), 4) for kind, rights in sorted(sets.items())},
        "utterances_of": {kind: len(rights) for kind, rights in sorted(sets.items())},
        "right_calls_of": {str(n): mean(rows) for n, rows in right.items()},
        "false_calls_of": {str(n): mean(rows) for n, rows in called.items()},
        "right_tool_if_called": mean(r for rows in among.values() for r in rows),
        "false_calls_by_kind": {
            kind: round(false[kind] / count / len(scoring.SIZES), 4)
            for kind, count in sorted(kinds.items())
        },
        "argument_f1": round(slots.f1, 4),
        "argument_precision": round(slots.right / max(1, slots.found), 4),
        "argument_recall": round(slots.right / max(1, slots.said), 4),
        "all_arguments_right": round(slots.whole / slots.utterances, 4),
        "decide_ms": round(1000 * decide(chooser, sorts, commands), 1),
        **timings(chooser, asked, unasked),
        "threshold": threshold,
        "tools": len(sorts),
        "commands": len(asked.examples),
        "others": len(others),
        "misdirected_of": len(absent.examples),
        "slot_utterances": slots.utterances,
    }


def mean(values: Any) -> float:
    """Share of true values."""
    found = list(values)
    return round(sum(found) / len(found), 4)


def figures(
    right: Sequence[list[bool]], called: Sequence[list[bool]], misdirected: Sequence[list[bool]]
) -> dict[str, float]:
    """Shares of right, false and misdirected calls over all sizes, and their standard errors."""
    return {
        "right_calls": mean(r for rows in right for r in rows),
        "right_calls_error": error(right),
        "false_calls": mean(c for rows in called for c in rows),
        "false_calls_error": error(called),
        "misdirected_calls": mean(c for rows in misdirected for c in rows),
        "misdirected_calls_error": error(misdirected),
    }


def error(sizes: Sequence[list[bool]]) -> float:
    """Standard error of the share, over utterances: the sizes have the same ones."""
    shares = [statistics.mean(row) for row in zip(*sizes, strict=True)]
    return round(statistics.stdev(shares) / len(shares) ** 0.5, 4)


def first(scores: Any, count: int) -> Any:
    """Some of the examples, and what was found of them."""
    found = {name: getattr(scores, name)[:count] for name in ("examples", "table", "described")}
    return replace(scores, **found)


def with_judge(encoder: Any, way: Way, llm: str, work: Path) -> Any:
    """The chooser that asks a language model.

    Raises:
        UserError: It was not measured as a judge.
    """
    from antiphon.llm import language_model
    from antiphon.llm.text_model import TextModel
    from antiphon.tools.judging.judged_chooser import JudgedChooser
    from antiphon.tools.judging.tool_judge import ToolJudge
    from antiphon.training.tool_odds import KeptOdds

    model = language_model.from_pretrained(llm)
    if llm not in encoder.judges or isinstance(model, TextModel):
        raise UserError(
            f"{llm} was never measured as a judge: run antiphon train tools --llm {llm}."
        )
    work.mkdir(parents=True, exist_ok=True)
    told = ToolJudge(model)
    judge = KeptOdds(told, work / f"odds-{Path(llm).name}-{told.prompt}.jsonl")
    weighing = encoder.judges[llm]
    return JudgedChooser(encoder, judge, replace(weighing, **ALONE) if way == "llm" else weighing)


def timings(chooser: Any, *parts: Any) -> dict[str, float]:
    """How often the language model is asked, about how many tools, and how long an answer takes."""
    from antiphon.training.tool_scores import SIZES, tool_of

    if not hasattr(chooser, "judge"):
        return {}
    rows = [
        p.table[i, a].tolist() for p in parts for n in SIZES for i, a in enumerate(p.announced(n))
    ]
    doubtful = [len(asked) for row in rows if (asked := chooser.weighing.doubtful(row))]
    tool, taken = tool_of(parts[0].sorts[0]), []
    for example in parts[0].examples[:10]:
        began = time.perf_counter()
        chooser.judge.judge.odds(example.text, tool)
        taken.append(time.perf_counter() - began)
    return {
        "asked_share": round(len(doubtful) / len(rows), 4),
        "asked_tools": round(statistics.mean(doubtful), 2),
        "ask_ms": round(1000 * statistics.median(taken), 1),
    }


def decide(chooser: Any, sorts: Any, commands: Any) -> float:
    """Median seconds of a decision among 20 tools, arguments included."""
    from antiphon.tools.toolbox import Toolbox
    from antiphon.training.corpora.tool_commands import balanced
    from antiphon.training.tool_scores import tool_of

    toolbox = Toolbox([tool_of(sort) for sort in sorts[:20]], chooser)
    taken = []
    for example in balanced(commands, 40):
        began = time.perf_counter()
        toolbox.decide(example.text)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main(
    data: Annotated[Path, typer.Option(help="Folder of the open collections, see docs/data.md.")],
    limit: Annotated[int, typer.Option(min=60, help="At most so many utterances.")] = 2000,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of reader.safetensors; the committed one if none.")
    ] = None,
    cases: Annotated[
        int, typer.Option(min=1, help="At most so many cases of a kind, and misdirected commands.")
    ] = 2000,
    chooser: Annotated[Way, typer.Option(help="What chooses the tool.")] = "encoder",
    llm: Annotated[str, typer.Option(help="The language model that is asked.")] = Models().llm,
    work: Annotated[Path, typer.Option(help="Folder for what it said.")] = Path("work/tools"),
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    json: Json = False,
) -> None:
    """Measure how reliably utterances become calls."""
    if not (data / "text").is_dir():
        raise UserError(f"{data} has no folder text: give the data folder of docs/data.md")
    import torch

    torch.set_num_threads(threads)
    with chatter_to_stderr() if json else nullcontext():
        result = measure(data, limit, cases, weights, chooser, llm, work)
    show(result, json)


if __name__ == "__main__":
    script(main)
