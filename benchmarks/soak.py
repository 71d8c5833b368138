"""Hours of conversation at full speed, also with everything going wrong that can be simulated.

A recorded user asks, interrupts, hums and waits, for as many hours as wanted; time is the
microphone's samples, so two hours take minutes. With --faults the speaker's clock drifts by
200 ppm, the microphone drops samples, the devices vanish ten times, and in the middle third the
models are ten times as slow.

    python benchmarks/soak.py [--hours H] [--responder agent|echo] [--faults] [--limit N] [--json]
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).parent))

from live_scenes import User
from report import script, show

from antiphon import audio_file, weights
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.errors import UserError
from antiphon.messages import Doubt, Speech, Turn, Word
from antiphon.runtime import events
from antiphon.runtime.audio.simulated_device import Fault, Simulated
from antiphon.runtime.events import Event
from antiphon.runtime.frames import FRAME, RATE, Frame
from antiphon.runtime.responders.worker import InlineWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.runtime.session.loop import converse

Sound = np.ndarray[Any, np.dtype[np.float32]]
OUT = 22_050
USUAL, SLOWER = 8, 10
"""Frames an output of the models takes, and how much slower a slow stage is."""
GONE = 6 * RATE
"""Samples for which a device that vanished is away."""
WARM = 0.1
"""Share of the time after which memory is looked at first."""
REPEATS = 3
"""How often a question is asked before it counts as lost: a device may be gone."""


class EchoResponder:
    """Answers with recorded speech: no weights, the same sounds, words and amounts of both.

    Args:
        clips: what it says, 16 kHz.
    """

    def __init__(self, clips: Sequence[Sound]) -> None:
        import soxr

        self._clips = [soxr.resample(clip, RATE, OUT).astype(np.float32) for clip in clips]
        self._next = 0

    def listen(self, history: Sequence[Turn]) -> EchoHearing:
        """Begin to hear."""
        return EchoHearing()

    def respond(self, stream: EchoHearing, history: Any, **rest: Any) -> Iterator[Speech]:
        """Say the next clip, second by second."""
        clip = self._clips[self._next % len(self._clips)]
        self._next += 1
        for start in range(0, len(clip), OUT):
            pcm = clip[start : start + OUT]
            half = start + len(pcm) // 2
            words = (Word("and", start, half), Word("so", half, start + len(pcm)))
            last = start + OUT >= len(clip)
            yield Speech(pcm, OUT, start, " and so", units=(1,), words=words, final=last)

    def say(self, text: str, **rest: Any) -> Iterator[Speech]:
        """Say a clip."""
        return self.respond(EchoHearing(), ())


@dataclass
class EchoHearing:
    """Understands that something was said."""

    heard: int = 0
    text: str = ""
    complete: float | None = None
    doubt: Doubt | None = None

    def feed(self, pcm: Sound) -> None:
        """Hear [N]."""
        self.heard += int((np.abs(pcm) > 0.02).sum())

    def finish(self) -> EchoHearing:
        """A sentence as long as what was heard."""
        count = self.heard // 2000
        self.text = " ".join(f"I told you {i}" for i in range(count)) + "." if count else ""
        return self


@dataclass
class Soak:
    """What happened in all those hours."""

    turns: int = 0
    lost: int = 0
    failures: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    costs: list[float] = field(default_factory=list)
    """Seconds of work by turn, from the question's first sample to the answer's."""
    waits: list[int] = field(default_factory=list)
    """Voice to voice by turn, in samples."""
    warm_mib: float | None = None
    _began: float = 0.0

    def event(self, event: Event) -> None:
        """Take note of an event."""
        name = type(event).__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        if isinstance(event, events.SpeechStarted):
            self._began = time.process_time()
        elif isinstance(event, events.Latency):
            self.costs.append(time.process_time() - self._began)
            self.waits.append(event.first_sound - event.speech_end)
        elif isinstance(event, events.Failed):
            self.failures.append(event.error)


def lives(questions: list[Sound], soak: Soak, total: int, limit: int | None, seed: int) -> Any:
    """A user who talks for `total` samples."""
    chance = np.random.default_rng(seed)

    def act(user: User) -> Iterator[Frame]:
        while user.at < total and (limit is None or soak.turns < limit):
            yield from user.silence(chance.uniform(0.5, 6.0))
            yield from ask(user, questions[chance.integers(len(questions))])
            kind = chance.uniform()
            if kind < 0.2:  # an interruption, which is a question of its own
                yield from user.silence(chance.uniform(0.2, 1.0))
                yield from ask(user, questions[chance.integers(len(questions))])
            elif kind < 0.4:  # a hum
                yield from user.silence(chance.uniform(0.2, 1.0))
                yield from user.say(questions[0][: RATE // 4], "hum")
            yield from user.until_quiet(1.0)

    def ask(user: User, question: Sound) -> Iterator[Frame]:
        soak.turns += 1
        for _ in range(REPEATS):
            before = soak.counts.get("ReplyStarted", 0)
            yield from user.say(question, "question")
            for _ in range(15 * RATE // FRAME):
                if soak.counts.get("ReplyStarted", 0) > before:
                    yield from user.until_reply(1.0)
                    return
                yield np.zeros(FRAME, np.float32)
        soak.lost += 1

    return act


def misfortunes(total: int) -> list[Fault]:
    """Dropouts every two minutes, and ten times no device at all."""
    drops = range(60 * RATE, total, 120 * RATE)
    gone = [round(total * (i + 0.5) / 10) for i in range(10)]
    return [
        *(Fault("dropout", at // FRAME * FRAME, 5 * FRAME) for at in drops),
        *(Fault("gone", at // FRAME * FRAME, min(GONE, total // 40)) for at in gone),
    ]


def memory_mib() -> float:
    """What this process holds, in MiB, as between two turns."""
    gc.collect()
    if "antiphon.runtime.responders.agent_responder" in sys.modules:
        sys.modules["antiphon.runtime.responders.agent_responder"].release_memory()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def growth(values: Sequence[float]) -> float | None:
    """Median of the last quarter over that of the first."""
    quarter = len(values) // 4
    if not quarter:
        return None
    return float(np.median(values[-quarter:]) / np.median(values[:quarter]))


def run(
    responder: Any, questions: list[Sound], hours: float, faults: bool, limit: int | None, seed: int
) -> dict[str, Any]:
    """Let them talk."""
    from tqdm import tqdm

    total = int(hours * 3600 * RATE)
    soak, work, told = Soak(), InlineWorker(USUAL), deque[Event]()
    conversation = Conversation(responder, work=work, aside=InlineWorker(1), seed=seed)
    user = User(lives(questions, soak, total, limit, seed), seed)
    duplex = Simulated(
        user.frames(),
        OUT,
        drift_ppm=200.0 if faults else 0.0,
        faults=misfortunes(total) if faults else (),
        echo=user.hear,
        emit=told.append,
    )
    bar = tqdm(total=round(hours * 60), unit="min", desc="soak")

    def each() -> None:
        at = conversation.at
        if at % (60 * RATE) == 0:
            bar.update()
        if soak.warm_mib is None and at >= WARM * total:
            soak.warm_mib = memory_mib()
        slow = faults and total / 3 < at < total * 2 / 3
        work.frames_per_output = USUAL * (SLOWER if slow else 1)

    began = time.perf_counter()
    try:
        converse(conversation, duplex, device_events=told, watch=soak.event, each=each)
    except Exception as error:
        soak.failures.append(f"{type(error).__name__}: {error}")
    took = time.perf_counter() - began
    bar.close()
    seconds = conversation.at / RATE
    return {
        "hours": round(seconds / 3600, 3),
        "memory_growth_mib": round(memory_mib() - (soak.warm_mib or memory_mib()), 1),
        "latency_growth": growth(soak.costs),
        "lost_turns": soak.lost,
        "exceptions": len(soak.failures),
        "turns": soak.turns,
        "voice_to_voice_growth": growth(soak.waits),
        "work_ms_per_turn": round(1000 * float(np.median(soak.costs)), 1) if soak.costs else None,
        "times_real_time": round(seconds / took, 1),
        "events": dict(sorted(soak.counts.items())),
        "failures": sorted(set(soak.failures)),
        "faults": faults,
    }


def main(
    hours: Annotated[float, typer.Option(min=0.01, help="Simulated hours.")] = 2.0,
    responder: Annotated[
        Literal["agent", "echo"],
        typer.Option(help="The real models, or recorded speech for answers."),
    ] = "agent",
    faults: Annotated[bool, typer.Option("--faults", help="Let things go wrong.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="A folder of questions; the project's own if none.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many turns.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything left to chance.")] = 0,
    json: Json = False,
) -> None:
    """Talk for hours and see whether anything grows, gets lost or breaks."""
    paths = sorted((data or weights.assets("questions")).rglob("*.wav"))
    questions = [audio_file.read(path) for path in paths[:50]]
    if not questions:
        raise UserError(f"'{data}' holds no .wav files: give a folder of questions with --data.")
    with chatter_to_stderr():
        result = run(thinking(responder, questions), questions, hours, faults, limit, seed)
    result["responder"] = responder
    show(result, json)


def thinking(kind: str, questions: list[Sound]) -> Any:
    """The responder of that kind."""
    if kind == "echo":
        return EchoResponder(questions)
    from antiphon.cli.timed_reply import load_agent
    from antiphon.runtime.responders.agent_responder import AgentResponder

    return AgentResponder(load_agent())


if __name__ == "__main__":
    script(main)
