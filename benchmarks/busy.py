"""What one busy core costs: answers beside a program that never rests, and without it.

Questions of several lengths are asked as one speaks them: once as fast as the models go, which
gives the first audio and the work for a second of speech, and once in a conversation in real time,
which gives voice to voice, read off the recordings. Both conditions take turns, in pairs.

    python benchmarks/busy.py [--data DIR] [--seconds 2 --seconds 10] [--rounds N] [--json]

`other_cores` says what else ran on the machine: with both cores free it has to be near 0, with one
kept busy near 1.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).parent))

from first_audio import recordings
from live_scenes import Sound, User, play
from report import script, show
from turns import asks

from antiphon import audio_file
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.evaluation.turn_scenes import trim
from antiphon.runtime.frames import RATE

if TYPE_CHECKING:
    from antiphon.agent import Agent

GAP = 0.15
"""Seconds between the sentences of a question: too short to end a turn."""
SETTLE = 2.0
"""Seconds after which a load that changed has been noticed."""
OUT = 22_050
LONGEST = 120.0
"""Seconds after which a turn would be cut."""
MEASURES = ("first_audio_ms", "v2v_ms", "work")


@dataclass
class Found:
    """The values of one question in one condition."""

    first_audio_ms: list[float] = field(default_factory=list)
    v2v_ms: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    """Seconds of work for a second of speech, heard or spoken."""
    other_cores: list[float] = field(default_factory=list)
    """Cores that other programs kept busy meanwhile."""


def question(clips: Sequence[Sound], seconds: float) -> Sound:
    """Whole sentences, one after another, that last about so long."""
    gap = np.zeros(int(GAP * RATE), np.float32)
    parts: list[Sound] = [clips[0]]
    while True:
        following = clips[(len(parts) + 1) // 2 % len(clips)]
        length = sum(map(len, parts)) + len(gap)
        if length + len(following) / 2 > seconds * RATE:
            return np.concatenate(parts)
        parts += [gap, following]


@contextmanager
def load(busy: bool) -> Iterator[None]:
    """A program that keeps one core busy, or nothing; and time to notice it."""
    program = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
    try:
        time.sleep(SETTLE)
        yield
    finally:
        if program is not None:
            program.kill()
            program.wait()


def converse(agent: Agent, asked: Sound, seed: int) -> float | None:
    """Milliseconds from the question's end to the reply, in real time; None: it came too early."""
    from antiphon.runtime.options import Options
    from antiphon.runtime.responders.agent_responder import AgentResponder
    from antiphon.runtime.responders.worker import ThreadWorker
    from antiphon.runtime.session.conversation import Conversation

    conversation = Conversation(
        AgentResponder(agent),
        Options(longest_turn=LONGEST),
        work=ThreadWorker(),
        aside=ThreadWorker(),
    )
    try:
        recorded = play(conversation, User(asks(asked, hears_out=False), seed), OUT, 1.0)
    finally:
        conversation.close()
    end = recorded.marks["question ends"]
    first = recorded.first_sound(0)
    return (first - end) * 1000 / RATE if first is not None and first > end else None


def measure(agent: Agent, asked: Sound, seed: int, found: Found) -> None:
    """Ask a question in both ways."""
    from antiphon.cli.timed_reply import answer_live
    from antiphon.compute.cpu_threads import SystemLoad

    system = SystemLoad()
    began = time.perf_counter()
    take = answer_live(agent, asked)
    worked = time.perf_counter() - began
    if take.first is not None:
        found.first_audio_ms.append(1000 * take.first)
        found.work.append(worked / (len(asked) / RATE + take.seconds))
    v2v = converse(agent, asked, seed)
    if v2v is not None:
        found.v2v_ms.append(v2v)
    if (free := system.free()) is not None:
        found.other_cores.append(len(system.cores) - free)


def ratio(busy: Sequence[float], free: Sequence[float]) -> dict[str, Any]:
    """Median over median, and where it lies with 95 % (percentile bootstrap)."""
    if not busy or not free:
        return {"ratio": None, "low": None, "high": None}
    chance = np.random.default_rng(0)

    def medians(values: Sequence[float]) -> Any:
        return np.median(chance.choice(values, (2000, len(values))), axis=1)

    low, high = np.quantile(medians(busy) / medians(free), (0.025, 0.975))
    middle = float(np.median(busy) / np.median(free))
    return {"ratio": round(middle, 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def summary(asked: dict[float, Sound], found: dict[tuple[float, bool], Found]) -> dict[str, Any]:
    """Ratios by question, the worst of them, and the longest question's over the shortest's."""

    def column(each: Found) -> dict[str, Any]:
        def median(name: str) -> float | None:
            values = getattr(each, name)
            return round(float(np.median(values)), 3) if values else None

        return {name: median(name) for name in (*MEASURES, "other_cores")}

    questions: dict[str, dict[str, Any]] = {}
    for seconds, pcm in asked.items():
        free, busy = found[seconds, False], found[seconds, True]
        questions[f"{seconds:g}"] = {
            "seconds": round(len(pcm) / RATE, 2),
            "takes": [len(free.first_audio_ms), len(busy.first_audio_ms)],
            "free": column(free),
            "busy": column(busy),
            **{name: ratio(getattr(busy, name), getattr(free, name)) for name in MEASURES},
        }
    ratios = {
        name: [q[name]["ratio"] for q in questions.values() if q[name]["ratio"] is not None]
        for name in MEASURES
    }
    return {
        **{f"{name}_ratio": max(ratios[name], default=None) for name in MEASURES},
        **{
            f"{name}_growth": round(found[-1] / found[0], 3) if found else None
            for name, found in ratios.items()
        },
        "questions": questions,
    }


def main(
    data: Annotated[
        Path | None, typer.Option(help="A folder of recorded questions; the project's own if none.")
    ] = None,
    seconds: Annotated[
        list[float] | None, typer.Option(min=1, max=100, help="Lengths of the questions.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of every question.")] = 5,
    json: Json = False,
) -> None:
    """Measure what one busy core costs: first audio, voice to voice, work."""
    from tqdm import tqdm

    from antiphon.cli.timed_reply import load_agent

    clips = [trim(audio_file.read(path)) for path in recordings(data, None)]
    asked = {length: question(clips, length) for length in sorted(seconds or (2.0, 10.0, 60.0))}
    found = {(length, busy): Found() for length in asked for busy in (False, True)}
    with chatter_to_stderr():
        agent = load_agent()
        measure(agent, clips[0], 0, Found())  # the first answer does not count
        order = [False, True]
        pairs = [(i, length) for i in range(rounds) for length in asked]
        for i, length in tqdm(pairs, desc="busy", unit="pair"):
            for busy in order:
                with load(busy):
                    measure(agent, asked[length], i, found[length, busy])
            order.reverse()
    show(summary(asked, found), json)


if __name__ == "__main__":
    script(main)
