"""How long an answer goes on after it was cancelled, at random moments of it.

python benchmarks/cancel.py [--data DIR] [--limit N] [--json]
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from first_audio import recordings
from numpy.typing import NDArray
from report import script, show

from antiphon import audio_file
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.messages import Turn

if TYPE_CHECKING:
    from antiphon.agent import Agent

Pcm = NDArray[np.float32]
Answer = Callable[[Callable[[], bool]], Iterator[object]]
"""The pieces of an answer that asks whether it was cancelled."""
LONG = 29 * 16_000
"""Samples of a long question: one recording again and again."""
HISTORY = (
    Turn("user", "Tell me something about the sea and the ships that sail on it, please."),
    Turn("assistant", "It covers most of the earth, and ships have sailed on it for ages."),
) * 6


def goes_on(answer: Answer, after: float) -> float:
    """Seconds that an answer goes on when it is cancelled `after` seconds from its beginning."""
    stop, ended = threading.Event(), list[float]()

    def run() -> None:
        for _ in answer(stop.is_set):
            pass
        ended.append(time.perf_counter())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(after)
    asked = time.perf_counter()
    stop.set()
    thread.join()
    return max(0.0, ended[0] - asked)


def measure(answer: Answer, times: int, seed: int) -> dict[str, float]:
    """Median, 95th percentile and maximum in milliseconds, after one answer that is heard out."""
    began = time.perf_counter()
    list(answer(lambda: False))
    whole = time.perf_counter() - began
    chance = random.Random(seed)
    found = [1000 * goes_on(answer, chance.uniform(0, whole)) for _ in range(times)]
    return {
        "median_ms": round(statistics.median(found), 1),
        "p95_ms": round(float(np.percentile(found, 95)), 1),
        "max_ms": round(max(found), 1),
    }


def situations(agent: Agent, questions: Sequence[Pcm]) -> dict[str, Answer]:
    """Answers to a recording, to one after twelve turns, and to one of half a minute."""
    asked = questions[0]
    long = np.resize(asked, LONG)
    return {
        "question": lambda stop: agent.respond(asked, cancelled=stop),
        "after_twelve_turns": lambda stop: agent.respond(asked, HISTORY, cancelled=stop),
        "half_a_minute": lambda stop: agent.respond(long, cancelled=stop),
    }


def main(
    data: Annotated[
        Path | None, typer.Option(help="A folder of recorded questions; the project's own if none.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Cancel each so many times.")] = 60,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    json: Json = False,
) -> None:
    """Measure how long an answer goes on after it was cancelled."""
    from tqdm import tqdm

    from antiphon.cli.timed_reply import load_agent

    questions = [audio_file.read(path) for path in recordings(data, 1)]
    with chatter_to_stderr():
        answers = situations(load_agent(), questions)
        list(answers["question"](lambda: False))
        rows = tqdm(answers.items(), desc="cancel", unit="situation")
        result: dict[str, Any] = {name: measure(answer, limit, seed) for name, answer in rows}
    show(result, json)


if __name__ == "__main__":
    script(main)
