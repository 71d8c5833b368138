"""Whole conversations, measured: how fast it answers, and who interrupts whom.

A recorded user asks, pauses, interrupts, hums and coughs; the agent listens and speaks. What went
in and what came out is recorded on one clock, and every measure is read off these two recordings.
A plain loop of the same parts (`plain_loop.py`) goes through the same scenes.

Answers are timed in real time, with the models in their own thread. Where the speed of the models
plays no part, the agent says a text that was spoken once, and time runs as fast as it can.

    python benchmarks/turns.py [--data DIR] [--limit N] [--seed N] [--keep DIR] [--json]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).parent))

from live_scenes import SILENT, Echo, Recorded, Sound, User
from report import script, show
from turn_sides import OUT, PASSAGE, Prepared, Side, load

from antiphon import audio_file, weights
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.evaluation import turn_scenes as scenes
from antiphon.runtime.frames import RATE, Frame

SHORTER = 0.4
"""Seconds that a reply lacks, compared with the same one undisturbed, if it was stopped."""
MATCHED = RATE // 5
"""Samples of a reply's end that find their place in the undisturbed one."""
LEVELS = (0, -6, -12)
"""Decibels by which what the user says is softer than a near voice."""
REVERBERANT = ("60 ms", "200 ms")
"""Rooms in which the agent is interrupted, beside headphones."""
Act = Callable[[User], Iterator[Frame]]


@dataclass
class Sounds:
    """What the user says and what else is to be heard."""

    questions: list[Sound]
    interruptions: list[tuple[Sound, Sound]]
    """A question, and what the same speaker says while it is answered."""
    distractors: dict[str, list[Sound]]
    """What is no interruption, by kind."""

    @classmethod
    def read(cls, data: Path | None, limit: int, seed: int) -> Sounds:
        """The project's own questions, and `data`'s speakers if there is such a folder.

        Raises:
            UserError: a collection is not there.
        """
        rng = np.random.default_rng(seed)
        paths = sorted(weights.assets("questions").glob("*.wav"))
        own = [scenes.trim(audio_file.read(path)) for path in paths]
        pairs = [(a, b) for a in own for b in own if a is not b]
        hums = [sound[: RATE * 3 // 10] for sound in own]
        if data is not None:
            pairs = scenes.pairs(data, "dev", limit, rng)
            hums = scenes.Material.read(data, "dev", limit, rng).words
        else:
            rng.shuffle(pairs)
        half = -(-limit // 2)
        low = [np.float32(0.1) * pairs[i % len(pairs)][1] for i in range(half)]
        questions = [quieter(own[i % len(own)], i // len(own)) for i in range(limit)]
        kinds = {
            "backchannel": [hums[i % len(hums)] for i in range(half)],
            "cough": [scenes.cough(rng) for _ in range(half)],
            "typing": [scenes.typing(2, rng) for _ in range(half)],
            "television": low,
        }
        spoken = [
            (quieter(a, i), quieter(scenes.from_onset(b), i))
            for i, (a, b) in enumerate(pairs[:limit])
        ]
        return cls(questions, spoken, kinds)


def quieter(sound: Sound, step: int) -> Sound:
    """A sound at one of the levels."""
    return sound * np.float32(10 ** (LEVELS[step % len(LEVELS)] / 20))


def asks(question: Sound, *, hears_out: bool = True) -> Act:
    """Asks, and waits for the answer."""

    def act(user: User) -> Iterator[Frame]:
        yield from user.silence(0.8)
        yield from user.say(question, "question")
        yield from user.until_reply()
        yield from user.until_quiet() if hears_out else user.silence(0.3)

    return act


def disturbs(question: Sound, sound: Sound, after: float, name: str) -> Act:
    """Asks, and makes a sound `after` seconds into the answer."""

    def act(user: User) -> Iterator[Frame]:
        yield from user.silence(0.8)
        yield from user.say(question, "question")
        yield from user.until_reply()
        yield from user.silence(after)
        yield from user.say(sound, name)
        yield from user.until_quiet(2.5)

    return act


def listens(user: User) -> Iterator[Frame]:
    """Says nothing."""
    yield from user.until_reply()
    yield from user.until_quiet()


def question(side: Side, sound: Sound, seed: int) -> Recorded:
    """A plain question to the real models: how long until the answer sounds?"""
    user = User(asks(sound, hears_out=False), seed)
    recorded, _ = side.run(user, side.responder, paced=True)
    end = recorded.marks["question ends"]
    first = recorded.first_sound(end)
    side.note("v2v", (first - end) * 1000 / RATE if first is not None else None)
    return recorded


def hesitation(side: Side, sound: Sound, seed: int) -> Recorded:
    """A question with a pause in it: is the pause taken for its end?"""
    slow, [(pause, _)] = scenes.interrupted(sound, np.random.default_rng(seed))
    user = User(asks(slow, hears_out=False), seed)
    recorded, _ = side.run(user, side.attentive)
    first = recorded.first_sound(recorded.marks["question begins"] + pause)
    end = recorded.marks["question ends"]
    side.note("early", float(first is not None and first < end))
    return recorded


def interruption(side: Side, spoken: tuple[Sound, Sound], seed: int) -> Recorded:
    """The user interrupts: how soon is it silent, and does it know what was heard?"""
    after = float(np.random.default_rng(seed).uniform(0.6, 2.5))
    room = Echo(REVERBERANT[seed // 2 % 2], seed) if seed % 2 else None
    user = User(disturbs(*spoken, after, "interruption"), seed, room)
    recorded, history = side.run(user, echo=room is not None)
    onset = recorded.marks["interruption begins"]
    silent = recorded.silent_from(onset)
    if recorded.spoken(onset - RATE // 4, onset) == 0:
        return recorded  # it was silent already
    side.note("stop", (silent - onset) * 1000 / RATE if silent is not None else float("inf"))
    said = [turn.text for turn in history if turn.role == "assistant"]
    heard = place(recorded, side.prepared.sound)
    if said and heard is not None:
        truth = sum(word.start + word.end <= 2 * heard * OUT for word in side.prepared.words)
        side.note("heard", abs(truth - len(said[0].replace("—", " ").split())))
    return recorded


def place(recorded: Recorded, reply: Sound) -> float | None:
    """Seconds into an undisturbed reply [N] of the last that was heard; None if it was another."""
    loud = np.flatnonzero(np.abs(recorded.speaker) > SILENT)
    if not len(loud):
        return None
    end = recorded.speaker[: loud[-1] + 1][-MATCHED:]
    size = len(reply) + len(end)
    spectrum = np.fft.rfft(reply, size) * np.conj(np.fft.rfft(end, size))
    match = np.fft.irfft(spectrum, size)[: len(reply)]
    sums = np.cumsum(np.square(np.pad(reply, (1, len(end))), dtype=np.float64))
    energy = sums[len(end) :][: len(reply)] - sums[: len(reply)]  # or a louder place would win
    likeness = match / np.sqrt(energy * float(end @ end) + 1e-12)
    at = int(likeness.argmax())
    return (at + len(end)) / RATE if likeness[at] > 0.7 else None


def disturbance(side: Side, asked: Sound, sound: Sound, kind: str, seed: int) -> Recorded:
    """A sound that is no interruption; was the reply stopped?"""
    after = float(np.random.default_rng(seed).uniform(0.4, 2.5))
    room = Echo(REVERBERANT[seed // 2 % 2], seed) if seed % 2 else None
    recorded, _ = side.run(User(disturbs(asked, sound, after, kind), seed, room), echo=bool(room))
    stopped = lacks(recorded, side.prepared, recorded.marks["question ends"])
    side.note("false", float(stopped))
    side.note("pauses", sum(type(event).__name__ == "Resumed" for event in recorded.events))
    return recorded


def lacks(recorded: Recorded, reply: Prepared, start: int = 0) -> bool:
    """Whether less of a reply was to be heard than there is."""
    whole = Recorded(reply.sound, reply.sound, {}).spoken()
    return whole - recorded.spoken(start) > SHORTER


def echo(side: Side, room: str, seed: int) -> Recorded:
    """The agent speaks in a room that echoes; does it stop itself?"""
    user = User(listens, seed, Echo(room, seed))
    recorded, _ = side.run(user, echo=True, say=PASSAGE)
    side.note("echo seconds", recorded.spoken())
    side.note("self", float(lacks(recorded, side.prepared)))
    return recorded


def idle(side: Side, seconds: float = 60.0) -> float:
    """Percent of a core while nothing is said."""

    def act(user: User) -> Iterator[Frame]:
        yield from user.silence(seconds)

    began = process_time()
    side.run(User(act, 0))
    return (process_time() - began) / seconds * 100


def summary(side: Side) -> dict[str, Any]:
    """The measures of one side."""
    found = side.found

    def quantile(name: str, share: float) -> float | None:
        values = found.get(name)
        return round(float(np.quantile(values, share)), 1) if values else None

    def mean(name: str) -> float | None:
        values = found.get(name)
        return round(float(np.mean(values)), 4) if values else None

    hours = sum(found.get("echo seconds", [])) / 3600
    return {
        "v2v_ms_median": quantile("v2v", 0.5),
        "v2v_ms_p95": quantile("v2v", 0.95),
        "early_ends": mean("early"),
        "stop_ms_median": quantile("stop", 0.5),
        "stop_ms_p95": quantile("stop", 0.95),
        "false_stops": mean("false"),
        "false_pauses": mean("pauses"),
        "self_stops_per_hour": round(sum(found["self"]) / hours, 2) if hours else None,
        "heard_error_words": max(found["heard"]) if found.get("heard") else None,
        "idle_core_percent": mean("idle"),
        "echo_minutes": round(60 * hours, 1),
        "scenes": {
            name: len(found.get(name, [])) for name in ("v2v", "early", "stop", "false", "heard")
        },
    }


def compare(
    sides: Sequence[Side], sounds: Sounds, minutes: float, seed: int, keep: Path | None
) -> None:
    """All scenes with both, in turns, so that a busy machine troubles both."""
    from tqdm import tqdm

    made: list[tuple[str, Callable[[Side], Recorded]]] = []

    def add(name: str, act: Callable[..., Recorded], *rest: Any) -> None:
        made.append((name, lambda side: act(side, *rest)))

    for i, sound in enumerate(sounds.questions):
        add(f"question-{i}", question, sound, seed + i)
        add(f"hesitation-{i}", hesitation, sound, seed + i)
    for i, spoken in enumerate(sounds.interruptions):
        add(f"interruption-{i}", interruption, spoken, seed + i)
    for kind, others in sounds.distractors.items():
        for i, sound in enumerate(others):
            asked = sounds.questions[i % len(sounds.questions)]
            add(f"{kind}-{i}", disturbance, asked, sound, kind, seed + i)
    seconds = len(sides[0].prepared.sound) / RATE * len(scenes.ROOMS)
    for i in range(-(-round(minutes * 60) // round(seconds))):
        for room in scenes.ROOMS:
            add(f"echo-{room.replace(' ', '-')}-{i}", echo, room, seed + i)
    for name, act in tqdm(made, unit="scene"):
        for side in sides:
            recorded = act(side)
            if keep is not None:
                folder = keep / side.name / name
                folder.mkdir(parents=True, exist_ok=True)
                audio_file.write(folder / "input.wav", recorded.microphone, RATE)
                audio_file.write(folder / "output.wav", recorded.speaker, RATE)
    for side in sides:
        side.note("idle", idle(side))


def main(
    data: Annotated[
        Path | None,
        typer.Option(help="A data folder (docs/data.md); none: the project's own questions."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="So many questions, pauses and interruptions each.")
    ] = 20,
    minutes: Annotated[float, typer.Option(min=0, help="Of speech in the echo rooms.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Of all scenes.")] = 0,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep all recordings here.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure turn taking beside a plain loop of the same parts."""
    sounds = Sounds.read(data, limit, seed)
    with chatter_to_stderr():
        sides = load()
        compare(sides, sounds, minutes, seed, keep)
    show({**summary(sides[0]), "plain_loop": summary(sides[1])}, json)


if __name__ == "__main__":
    script(main)
