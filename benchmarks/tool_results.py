"""What a language model says about the results of tools, beside the plain sentences.

A sentence counts as phrased if it holds the whole result and no other number; whether it is true
and well said, a person has to read.

    python benchmarks/tool_results.py [--llm NAME] [--json]
"""

from __future__ import annotations

import json as json_format
import statistics
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from report import script, show

from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.errors import UserError
from antiphon.settings import Models

RESULTS = Path(__file__).parent / "tool_cases" / "results.jsonl"


def measure(llm: str) -> dict[str, Any]:
    """The sentences, and how many are phrased."""
    from antiphon.llm import language_model
    from antiphon.llm.text_model import TextModel
    from antiphon.tools.phrases import told
    from antiphon.tools.result_phrasing import ResultPhraser

    model = language_model.from_pretrained(llm)
    if isinstance(model, TextModel):
        raise UserError(f"{llm} shows no logits: give a model that runs on this machine.")
    phraser, rows, taken = ResultPhraser(model, float("inf")), [], []
    for line in RESULTS.open("rb"):
        case = json_format.loads(line)
        began = time.perf_counter()
        phrased = phraser.sentence(case["said"], case["result"])
        taken.append(time.perf_counter() - began)
        rows.append({"said": case["said"], "phrased": phrased, "plain": told(case["result"], True)})
    return {
        "phrased": sum(row["phrased"] is not None for row in rows),
        "results": len(rows),
        "seconds_median": round(statistics.median(taken), 2),
        "sentences": rows,
    }


def main(
    llm: Annotated[str, typer.Option(help="The language model.")] = Models().llm,
    json: Json = False,
) -> None:
    """Let a language model phrase the results of tools."""
    with chatter_to_stderr() if json else nullcontext():
        result = measure(llm)
    show(result, json)


if __name__ == "__main__":
    script(main)
