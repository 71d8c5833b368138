"""Spoken commands to calls: right ones of tools never trained on, and none where none is asked.

Utterances are those of CLINC150, the home-robot corpus and SNIPS whose tools were kept out of
training, descriptions included. 5, 10 and 20 such tools are announced, drawn anew for every
utterance, the right one among them; tools that mean the same are not announced together. Where no
tool is asked for, utterances are questions, dialogue, small talk and CLINC150's out-of-scope
sentences that were not trained on either. Arguments are SNIPS slots of three tools never trained
on, given the right tool. `tool_sets.py` has commands with the one right answer, by kind of fault.

    python benchmarks/tools.py --data DIR [--limit N] [--json]
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import tool_sets
import typer
from report import script, show

from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.errors import UserError


def measure(data: Path, limit: int, folder: Path | None) -> dict[str, Any]:
    """All figures.

    Args:
        data: folder of the open collections.
        limit: at most so many utterances that ask for a tool, and as many that do not.
        folder: of the weights; None: the committed ones.
    """
    from antiphon.tools.encoder_chooser import EncoderChooser
    from antiphon.training import tool_scores as scoring
    from antiphon.training.corpora import tool_commands as corpus

    chooser = EncoderChooser.load(folder)
    reader, threshold = chooser.reader, chooser.threshold
    sorts = [sort for sort in corpus.sorts() if sort.split == "test"]
    commands = corpus.commands(data, "test")
    asked = scoring.score(reader, corpus.balanced(commands, limit), sorts)
    others = corpus.balanced(corpus.others(data, "test"), limit)
    unasked = scoring.score(reader, others, sorts)
    annotated = [e for e in commands if e.spans and e.sort and e.sort.parameters]
    slots = scoring.arguments(reader, corpus.balanced(annotated, max(1, limit // 8)))
    right = {n: asked.right(n, threshold) for n in scoring.SIZES}
    among = {n: asked.right(n, float("-inf")) for n in scoring.SIZES}
    called = {n: unasked.called(n, threshold) for n in scoring.SIZES}
    sets, _ = tool_sets.measure("test", chooser, limit)
    kinds = Counter(e.kind for e in others)
    false = Counter(
        e.kind for n in scoring.SIZES for e, c in zip(others, called[n], strict=True) if c
    )
    return {
        "right_calls": mean(r for rows in right.values() for r in rows),
        "false_calls": mean(c for rows in called.values() for c in rows),
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
        "threshold": threshold,
        "tools": len(sorts),
        "commands": len(asked.examples),
        "others": len(others),
        "slot_utterances": slots.utterances,
    }


def mean(values: Any) -> float:
    """Share of true values."""
    found = list(values)
    return round(sum(found) / len(found), 4)


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
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    json: Json = False,
) -> None:
    """Measure how reliably utterances become calls."""
    if not (data / "text").is_dir():
        raise UserError(f"{data} has no folder text: give the data folder of docs/data.md")
    import torch

    torch.set_num_threads(threads)
    with chatter_to_stderr() if json else nullcontext():
        result = measure(data, limit, weights)
    show(result, json)


if __name__ == "__main__":
    script(main)
