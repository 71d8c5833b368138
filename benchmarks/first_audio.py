"""Time to first audio: the agent beside a cascade of the same parts.

The cascade is what one would plug together: faster-whisper tiny.en transcribes the question when
it is over, the same language model answers, and Piper speaks sentence by sentence as the answer is
written. Both answer the same questions in the same run, in turns, so that a busy machine troubles
both. Needs the extras: pip install 'antiphon[train,eval]'.

    python benchmarks/first_audio.py [--data DIR] [--limit N] [--json]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from report import script, show

from antiphon import audio_file, weights
from antiphon.cli.commands.weights import needed
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.errors import UserError

if TYPE_CHECKING:
    from antiphon.agent import Agent

Pcm = NDArray[np.float32]
SETTLE = 1.0
"""Seconds before an answer: the threads of the other system spin on for a while."""
READY = """
from antiphon.cli.timed_reply import load_agent
load_agent()
print("ready", flush=True)
"""


loaded: dict[str, Callable[[Pcm], Timing]] = {}
"""The system of this process, if it is one of a system's own."""


@dataclass(frozen=True)
class Timing:
    """One answer of one system."""

    first: float
    """Seconds from the question's end to the first sample."""
    last: float
    """Seconds from the question's end to the last sample."""
    speech: float
    """Seconds the reply sounds."""

    @property
    def rtf(self) -> float:
        """Work for a second of speech."""
        return self.last / self.speech if self.speech else float("nan")


class Cascade:
    """Recognizer, language model and voice in a row.

    Args:
        agent: lends its language model.
        threads: of recognizer and voice.
    """

    def __init__(self, agent: Agent, threads: int) -> None:
        from faster_whisper import WhisperModel
        from piper import PiperVoice

        self.agent = agent
        self.whisper = WhisperModel(
            str(weights.path("whisper-tiny.en") / "ctranslate2"),
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
        )
        self.voice = PiperVoice.load(weights.path("piper-joe") / "en_US-joe-medium.onnx")

    def __call__(self, pcm: Pcm) -> Timing:
        """Answer a question [N] at 16 kHz."""
        began = time.perf_counter()
        heard, _ = self.whisper.transcribe(
            pcm, language="en", beam_size=1, without_timestamps=True, temperature=0.0
        )
        question = " ".join(piece.text.strip() for piece in heard)
        first = last = float("nan")
        speech = 0.0
        for sentence in sentences(token.text for token in self.agent.s2t.reply(question)):
            for chunk in self.voice.synthesize(sentence):
                last = time.perf_counter() - began
                first = first if speech else last
                speech += len(chunk.audio_float_array) / chunk.sample_rate
        return Timing(first, last, speech)


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Sentences of a text that comes in pieces, each as soon as the next one begins."""
    held = ""
    for piece in pieces:
        if held.rstrip()[-1:] in tuple(".!?") and piece[:1].isspace():
            yield held.strip()
            held = ""
        held += piece
    if held.strip():
        yield held.strip()


def ours(agent: Agent) -> Callable[[Pcm], Timing]:
    """The agent, listening while the question is asked."""
    from antiphon.cli.timed_reply import answer_live

    def timed(pcm: Pcm) -> Timing:
        take = answer_live(agent, pcm)
        first = float("nan") if take.first is None else take.first
        return Timing(first, take.last, take.seconds)

    return timed


def ready() -> float:
    """Seconds from starting a process to an agent that listens, weights cached."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", READY], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        process.wait()
    if line.strip() != b"ready":
        raise UserError("The agent does not start: run `antiphon ask` to see why.")
    return seconds


def peak(question: Path) -> float:
    """Peak memory of `antiphon ask QUESTION` in MiB.

    To be called while this process is small: Linux counts the memory a process had before it
    became another program.
    """
    command = [sys.executable, "-m", "antiphon.cli.main", "ask", str(question), "--no-play"]
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(f"`antiphon ask {question}` failed with exit code {process.returncode}.")
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss / unit


def recordings(data: Path | None, limit: int | None) -> list[Path]:
    """Sound files of questions: those of `data`, or those that come with the project."""
    folder = data or weights.assets("questions")
    kinds = (".wav", ".flac", ".ogg")
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in kinds][:limit]
    if not found:
        raise UserError(f"'{folder}' holds no questions: give a folder of sound files with --data.")
    return found


class Apart:
    """A system in a process of its own, so that the threads of one never wait for the other's.

    Args:
        name: "antiphon" or "cascade".
        threads: of its models.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.pool = ProcessPoolExecutor(1, get_context("spawn"), prepare, (name, threads))

    def __call__(self, pcm: Pcm) -> Timing:
        """Answer a question [N] at 16 kHz."""
        return self.pool.submit(respond, pcm).result()


def prepare(name: str, threads: int) -> None:
    """Load a system into this process."""
    import torch

    from antiphon.cli.timed_reply import load_agent

    torch.set_num_threads(threads)
    agent = load_agent()
    loaded[name] = ours(agent) if name == "antiphon" else Cascade(agent, threads)


def respond(pcm: Pcm) -> Timing:
    """The answer of the system in this process."""
    (system,) = loaded.values()
    return system(pcm)


def compare(
    systems: Mapping[str, Callable[[Pcm], Timing]], questions: list[Pcm], rounds: int
) -> dict[str, list[Timing]]:
    """Let the systems answer all questions in turns, after a first answer that does not count."""
    from tqdm import tqdm

    found: dict[str, list[Timing]] = {name: [] for name in systems}
    for answer in systems.values():
        answer(questions[0])
    order = list(systems)
    for pcm in tqdm(questions * rounds, desc="first audio", unit="question"):
        for name in order:
            time.sleep(SETTLE)
            found[name].append(systems[name](pcm))
        order.reverse()
    return found


def summary(found: dict[str, list[Timing]], peak_mib: float, ready_s: float) -> dict[str, Any]:
    """Medians of both systems, and what the table of the README asks for."""

    def column(timings: list[Timing]) -> dict[str, float]:
        return {
            "first_audio_ms": round(1000 * statistics.median(t.first for t in timings), 1),
            "rtf": round(statistics.median(t.rtf for t in timings), 4),
            "reply_seconds": round(statistics.median(t.speech for t in timings), 2),
        }

    own, cascade = column(found["antiphon"]), column(found["cascade"])
    return {
        "ratio": round(own["first_audio_ms"] / cascade["first_audio_ms"], 4),
        "rtf": own["rtf"],
        "peak_mib": round(peak_mib, 1),
        "ready_s": round(ready_s, 2),
        "antiphon": own,
        "cascade": cascade,
        "answers": len(found["antiphon"]),
    }


def main(
    data: Annotated[
        Path | None, typer.Option(help="A folder of recorded questions; the project's own if none.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many questions.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is asked.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="Threads of every model.")] = 2,
    json: Json = False,
) -> None:
    """Measure the time to first audio beside a cascade of the same parts."""
    paths = recordings(data, limit)
    with chatter_to_stderr():
        for name in needed():
            weights.path(name)
        peak_mib, ready_s = peak(paths[0]), statistics.median(ready() for _ in range(3))
        systems = {name: Apart(name, threads) for name in ("antiphon", "cascade")}
        found = compare(systems, [audio_file.read(path) for path in paths], rounds)
    result = summary(found, peak_mib, ready_s)
    show(result, json)


if __name__ == "__main__":
    script(main)
